#include "net/links.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/veth.h>
#include <net/if.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace bh::net {

namespace {

using os::NetlinkRequest;

ifinfomsg message_for(Link const& link) {
  ifinfomsg message{};
  message.ifi_index = link.index;
  return message;
}

std::span<std::byte const> bytes_of(MacAddress const& mac) {
  return std::as_bytes(std::span(mac.bytes));
}

/// The fixed part at the front of `payload`, which is then without it.
template <typename Fixed>
std::optional<Fixed> take_fixed(std::string_view& payload) {
  Fixed fixed{};
  if (payload.size() < sizeof fixed) return std::nullopt;
  std::memcpy(&fixed, payload.data(), sizeof fixed);
  payload.remove_prefix(std::min(payload.size(), (sizeof fixed + 3) / 4 * 4));
  return fixed;
}

template <typename Number>
Number number_of(std::string_view value) {
  Number number{};
  if (value.size() >= sizeof number) std::memcpy(&number, value.data(), sizeof number);
  return number;
}

/// Within IFLA_LINKINFO: whether the port lets frames through yet.
bool is_forwarding(std::string_view link_info) {
  bool forwarding = false;
  os::each_attribute(link_info, [&](std::uint16_t type, std::string_view port) {
    if ((type & NLA_TYPE_MASK) != IFLA_INFO_SLAVE_DATA) return;
    os::each_attribute(port, [&](std::uint16_t inner, std::string_view value) {
      if (inner != IFLA_BRPORT_STATE) return;
      forwarding = number_of<std::uint8_t>(value) == BR_STATE_FORWARDING;
    });
  });
  return forwarding;
}

std::optional<Link> link_of(std::string_view payload) {
  auto const fixed = take_fixed<ifinfomsg>(payload);
  if (!fixed) return std::nullopt;
  Link link{.index = fixed->ifi_index,
            .name = {},
            .bridge = 0,
            .mac = {},
            .forwards = false,
            .words = {}};
  os::each_attribute(payload, [&](std::uint16_t type, std::string_view value) {
    if (type == IFLA_IFNAME) link.name = value.substr(0, value.find('\0'));
    if (type == IFLA_IFALIAS) link.words = value.substr(0, value.find('\0'));
    if ((type & NLA_TYPE_MASK) == IFLA_LINKINFO) link.forwards = is_forwarding(value);
    if (type == IFLA_MASTER) link.bridge = number_of<int>(value);
    if (type == IFLA_ADDRESS && value.size() == link.mac.bytes.size()) {
      std::ranges::copy(value, link.mac.bytes.begin());
    }
  });
  return link;
}

std::optional<Route> route_of(std::string_view payload) {
  auto const fixed = take_fixed<rtmsg>(payload);
  if (!fixed || fixed->rtm_family != AF_INET || fixed->rtm_table != RT_TABLE_MAIN) {
    return std::nullopt;
  }
  Route route{.to = {{0}, fixed->rtm_dst_len}, .device = 0};
  os::each_attribute(payload, [&](std::uint16_t type, std::string_view value) {
    if (type == RTA_DST) route.to.first.value = ntohl(number_of<std::uint32_t>(value));
    if (type == RTA_OIF) route.device = number_of<int>(value);
  });
  return route;
}

/// What is there twice is there.
Result<> or_there(Result<> result) {
  if (!result && result.error().code == Errc::Exists) return {};
  return result;
}

}  // namespace

Result<Links> Links::open() {
  auto socket = BH_TRY(os::NetlinkSocket::open());
  return Links(std::move(socket));
}

Result<Links> Links::open_in(os::UniqueFd const& name_space) {
  auto socket = BH_TRY(os::NetlinkSocket::open_in(name_space));
  return Links(std::move(socket));
}

Result<> Links::change(std::string const& what, NetlinkRequest const& request) {
  auto done = socket_.request(request);
  if (!done) return std::unexpected(std::move(done).error().while_doing(what));
  return {};
}

Result<std::vector<Link>> Links::all() {
  std::vector<Link> links;
  BH_TRY(socket_.request(NetlinkRequest(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}),
                         [&](std::string_view payload) {
                           auto link = link_of(payload);
                           if (link) links.push_back(std::move(*link));
                         }));
  return links;
}

Result<std::optional<Link>> Links::find(std::string const& name) {
  std::optional<Link> found;
  NetlinkRequest request(RTM_GETLINK, 0, ifinfomsg{});
  request.attribute(IFLA_IFNAME, name);
  auto const asked =
      socket_.request(request, [&](std::string_view payload) { found = link_of(payload); });
  if (asked || asked.error().code == Errc::NotFound) return found;
  return std::unexpected(asked.error());
}

Result<> Links::each_address(std::function<void(int device, LinkAddress const&)> const& take) {
  ifaddrmsg message{};
  message.ifa_family = AF_INET;
  return socket_.request(
      NetlinkRequest(RTM_GETADDR, NLM_F_DUMP, message), [&](std::string_view payload) {
        auto const fixed = take_fixed<ifaddrmsg>(payload);
        if (!fixed) return;
        LinkAddress one{.address = {}, .length = fixed->ifa_prefixlen};
        os::each_attribute(payload, [&](std::uint16_t type, std::string_view value) {
          if (type == IFA_LOCAL) one.address.value = ntohl(number_of<std::uint32_t>(value));
        });
        take(static_cast<int>(fixed->ifa_index), one);
      });
}

Result<std::vector<LinkAddress>> Links::addresses(Link const& link) {
  std::vector<LinkAddress> addresses;
  BH_TRY(each_address([&](int device, LinkAddress const& one) {
    if (device == link.index) addresses.push_back(one);
  }));
  return addresses;
}

Result<std::vector<Ipv4Address>> Links::addresses() {
  std::vector<Ipv4Address> addresses;
  BH_TRY(each_address(
      [&](int /*device*/, LinkAddress const& one) { addresses.push_back(one.address); }));
  return addresses;
}

Result<std::vector<Route>> Links::routes() {
  std::vector<Route> routes;
  rtmsg message{};
  message.rtm_family = AF_INET;
  BH_TRY(socket_.request(NetlinkRequest(RTM_GETROUTE, NLM_F_DUMP, message),
                         [&](std::string_view payload) {
                           auto const route = route_of(payload);
                           if (route) routes.push_back(*route);
                         }));
  return routes;
}

Result<> Links::add_bridge(std::string const& name, MacAddress const& mac) {
  NetlinkRequest request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  request.attribute(IFLA_IFNAME, name).attribute(IFLA_ADDRESS, bytes_of(mac));
  request.nested(IFLA_LINKINFO, [](NetlinkRequest& info) {
    info.attribute(IFLA_INFO_KIND, std::string("bridge"));
  });
  return or_there(change("make bridge " + name, request));
}

Result<> Links::add_pair(std::string const& name, std::string const& peer,
                         MacAddress const& peer_mac, os::UniqueFd const& name_space) {
  NetlinkRequest request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  request.attribute(IFLA_IFNAME, name);
  request.nested(IFLA_LINKINFO, [&](NetlinkRequest& info) {
    info.attribute(IFLA_INFO_KIND, std::string("veth"));
    info.nested(IFLA_INFO_DATA, [&](NetlinkRequest& data) {
      // The peer is made where it belongs, so that nothing is left here by who is killed.
      data.nested(VETH_INFO_PEER, [&](NetlinkRequest& other) {
        other.fixed(ifinfomsg{})
            .attribute(IFLA_IFNAME, peer)
            .attribute(IFLA_ADDRESS, bytes_of(peer_mac))
            .attribute(IFLA_NET_NS_FD, static_cast<std::uint32_t>(name_space.get()));
      });
    });
  });
  return or_there(change("make devices " + name + " and " + peer, request));
}

Result<> Links::remove(Link const& link) {
  auto removed =
      change("remove device " + link.name, NetlinkRequest(RTM_DELLINK, 0, message_for(link)));
  if (!removed && removed.error().code == Errc::NotFound) return {};
  return removed;
}

Result<> Links::join_bridge(Link const& link, int bridge) {
  if (link.bridge == bridge) return {};
  NetlinkRequest request(RTM_NEWLINK, 0, message_for(link));
  request.attribute(IFLA_MASTER, static_cast<std::uint32_t>(bridge));
  return change("connect device " + link.name + " to its bridge", request);
}

Result<> Links::describe(Link const& link, std::string const& words) {
  NetlinkRequest request(RTM_NEWLINK, 0, message_for(link));
  request.attribute(IFLA_IFALIAS, words);
  return change("describe device " + link.name, request);
}

Result<> Links::set_up(Link const& link) {
  auto message = message_for(link);
  message.ifi_flags = IFF_UP;
  message.ifi_change = IFF_UP;
  return change("bring up device " + link.name, NetlinkRequest(RTM_NEWLINK, 0, message));
}

Result<> Links::add_address(Link const& link, LinkAddress const& given) {
  auto const [address, length] = given;
  ifaddrmsg message{};
  message.ifa_family = AF_INET;
  message.ifa_prefixlen = static_cast<std::uint8_t>(length);
  message.ifa_index = static_cast<unsigned>(link.index);
  NetlinkRequest request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, message);
  request.attribute(IFA_LOCAL, htonl(address.value)).attribute(IFA_ADDRESS, htonl(address.value));
  Subnet const subnet{{address.value}, length};
  request.attribute(IFA_BROADCAST, htonl(subnet.last().value));
  return or_there(
      change(fmt::format("give device {} the address {}", link.name, address.text()), request));
}

Result<> Links::set_way_out(Link const& link, Ipv4Address gateway) {
  rtmsg message{};
  message.rtm_family = AF_INET;
  message.rtm_table = RT_TABLE_MAIN;
  message.rtm_protocol = RTPROT_STATIC;
  message.rtm_scope = RT_SCOPE_UNIVERSE;
  message.rtm_type = RTN_UNICAST;
  NetlinkRequest request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, message);
  request.attribute(RTA_GATEWAY, htonl(gateway.value))
      .attribute(RTA_OIF, static_cast<std::uint32_t>(link.index));
  return change("make the way out by " + gateway.text(), request);
}

}  // namespace bh::net
