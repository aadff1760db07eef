#include "jail/net/device.h"

#include <fcntl.h>
#include <linux/if_addr.h>
#include <net/if.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "os/file.h"
#include "os/netlink.h"

namespace bh::jail {

namespace {

using os::NetlinkRequest;
using os::NetlinkSocket;

/// An address as the kernel tells it, to be given again.
struct Address {
  ifaddrmsg fixed{};
  std::string attributes;
};

Result<int> index_of(NetlinkSocket& socket, std::string const& name) {
  NetlinkRequest request(RTM_GETLINK, 0, ifinfomsg{});
  request.attribute(IFLA_IFNAME, name);
  int index = 0;
  auto found = socket.request(request, [&](std::string_view payload) {
    ifinfomsg link{};
    if (payload.size() < sizeof link) return;
    std::memcpy(&link, payload.data(), sizeof link);
    index = link.ifi_index;
  });
  if (!found) return std::unexpected(std::move(found).error().while_doing("find " + name));
  return index;
}

Result<std::vector<Address>> addresses_of(NetlinkSocket& socket, int index) {
  std::vector<Address> all;
  BH_TRY(socket.request(NetlinkRequest(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}),
                        [&](std::string_view payload) {
                          Address one;
                          if (payload.size() < sizeof one.fixed) return;
                          std::memcpy(&one.fixed, payload.data(), sizeof one.fixed);
                          one.attributes = payload.substr(sizeof one.fixed);
                          bool const kept = one.fixed.ifa_index == static_cast<unsigned>(index) &&
                                            one.fixed.ifa_scope == RT_SCOPE_UNIVERSE &&
                                            (one.fixed.ifa_flags & IFA_F_PERMANENT) != 0;
                          if (kept) all.push_back(std::move(one));
                        }));
  return all;
}

Result<> add_address(NetlinkSocket& socket, int index, Address const& address) {
  auto fixed = address.fixed;
  fixed.ifa_index = static_cast<unsigned>(index);
  NetlinkRequest request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, fixed);
  os::each_attribute(address.attributes, [&](std::uint16_t type, std::string_view value) {
    // Others, such as the label with the old name, are of the place where it was.
    if (type == IFA_ADDRESS || type == IFA_LOCAL || type == IFA_BROADCAST) {
      request.attribute(type, std::as_bytes(std::span(value)));
    }
  });
  return socket.request(request);
}

Result<> move(NetlinkSocket& socket, int index, os::UniqueFd const& target,
              std::string const& name) {
  ifinfomsg link{};
  link.ifi_index = index;
  link.ifi_change = IFF_UP;  // Down: a device that is up cannot be renamed.
  BH_TRY(socket.request(NetlinkRequest(RTM_NEWLINK, 0, link)));
  link.ifi_change = 0;
  NetlinkRequest request(RTM_NEWLINK, 0, link);
  request.attribute(IFLA_NET_NS_FD, static_cast<std::uint32_t>(target.get()));
  request.attribute(IFLA_IFNAME, name);
  return socket.request(request);
}

Result<> furnish(NetlinkSocket& inside, std::string const& name,
                 std::vector<Address> const& addresses) {
  int const index = BH_TRY(index_of(inside, name));
  for (auto const& address : addresses) BH_TRY(add_address(inside, index, address));
  ifinfomsg link{};
  link.ifi_index = index;
  link.ifi_flags = IFF_UP;
  link.ifi_change = IFF_UP;
  return inside.request(NetlinkRequest(RTM_NEWLINK, 0, link));
}

}  // namespace

Result<> move_net_device(std::string const& name, os::UniqueFd const& target,
                         std::string const& new_name) {
  auto outside = BH_TRY(NetlinkSocket::open());
  auto inside = BH_TRY(NetlinkSocket::open_in(target));
  int const index = BH_TRY(index_of(outside, name));
  auto const addresses = BH_TRY(addresses_of(outside, index));
  BH_TRY(move(outside, index, target, new_name));
  auto furnished = furnish(inside, new_name, addresses);
  if (!furnished) (void)return_net_device(target, new_name, name);
  return furnished;
}

Result<> return_net_device(os::UniqueFd const& from, std::string const& new_name,
                           std::string const& name) {
  auto inside = BH_TRY(NetlinkSocket::open_in(from));
  int const index = BH_TRY(index_of(inside, new_name));
  auto const own = BH_TRY(os::open_file("/proc/self/ns/net", O_RDONLY));
  return move(inside, index, own, name);
}

}  // namespace bh::jail
