#include "os/netlink.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "os/file.h"

namespace bh::os {

namespace {

constexpr std::size_t kBuffer = std::size_t{64} * 1024;

std::size_t aligned(std::size_t size) {
  return (size + NLMSG_ALIGNTO - 1) / NLMSG_ALIGNTO * NLMSG_ALIGNTO;
}

/// What one datagram says. True when it was the last.
Result<bool> read_messages(std::string_view bytes, std::uint32_t serial,
                           std::function<void(std::string_view)> const& take) {
  while (bytes.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > bytes.size()) break;
    auto const payload = bytes.substr(sizeof header, header.nlmsg_len - sizeof header);
    bytes.remove_prefix(std::min(aligned(header.nlmsg_len), bytes.size()));
    if (header.nlmsg_seq != serial) continue;
    if (header.nlmsg_type == NLMSG_DONE) return true;
    if (header.nlmsg_type == NLMSG_ERROR) {
      int error = 0;
      if (payload.size() >= sizeof error) std::memcpy(&error, payload.data(), sizeof error);
      if (error != 0) return fail_errno("netlink", -error);
      return true;
    }
    if (take) take(payload);
  }
  return false;
}

}  // namespace

void NetlinkRequest::append(void const* value, std::size_t size) {
  payload_.append(static_cast<char const*>(value), size);
  payload_.resize(aligned(payload_.size()), '\0');
}

NetlinkRequest& NetlinkRequest::attribute(std::uint16_t type, std::span<std::byte const> value) {
  rtattr const header{.rta_len = static_cast<std::uint16_t>(sizeof(rtattr) + value.size()),
                      .rta_type = type};
  append(&header, sizeof header);
  append(value.data(), value.size());
  return *this;
}

NetlinkRequest& NetlinkRequest::attribute(std::uint16_t type, std::uint32_t value) {
  return attribute(type, std::as_bytes(std::span(&value, 1)));
}

NetlinkRequest& NetlinkRequest::attribute(std::uint16_t type, std::string const& value) {
  return attribute(type, std::as_bytes(std::span(value.c_str(), value.size() + 1)));
}

NetlinkRequest& NetlinkRequest::nested(std::uint16_t type,
                                       std::function<void(NetlinkRequest&)> const& add) {
  auto const start = payload_.size();
  attribute(type, std::span<std::byte const>());
  add(*this);
  auto const length = static_cast<std::uint16_t>(payload_.size() - start);
  std::memcpy(payload_.data() + start, &length, sizeof length);
  return *this;
}

std::string NetlinkRequest::bytes(std::uint32_t serial) const {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(sizeof header + payload_.size());
  header.nlmsg_type = type_;
  header.nlmsg_flags =
      static_cast<std::uint16_t>(flags_ | NLM_F_REQUEST | (is_dump() ? 0U : unsigned{NLM_F_ACK}));
  header.nlmsg_seq = serial;
  return std::string(reinterpret_cast<char const*>(&header), sizeof header) + payload_;
}

void each_attribute(std::string_view bytes,
                    std::function<void(std::uint16_t, std::string_view)> const& take) {
  while (bytes.size() >= sizeof(rtattr)) {
    rtattr header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.rta_len < sizeof header || header.rta_len > bytes.size()) return;
    take(header.rta_type, bytes.substr(sizeof header, header.rta_len - sizeof header));
    bytes.remove_prefix(std::min(aligned(header.rta_len), bytes.size()));
  }
}

Result<NetlinkSocket> NetlinkSocket::open() {
  UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket.valid()) return fail_errno("socket AF_NETLINK", errno);
  return NetlinkSocket(std::move(socket));
}

Result<NetlinkSocket> NetlinkSocket::open_in(UniqueFd const& target) {
  auto const own = BH_TRY(open_file("/proc/thread-self/ns/net", O_RDONLY));
  if (::setns(target.get(), CLONE_NEWNET) != 0) return fail_errno("enter the network", errno);
  auto socket = open();
  if (::setns(own.get(), CLONE_NEWNET) != 0) return fail_errno("leave the network", errno);
  return socket;
}

Result<> NetlinkSocket::request(NetlinkRequest const& request,
                                std::function<void(std::string_view)> const& take) {
  auto const serial = ++serial_;
  auto const bytes = request.bytes(serial);
  if (::send(socket_.get(), bytes.data(), bytes.size(), 0) < 0) {
    return fail_errno("send to netlink", errno);
  }
  std::vector<char> buffer(kBuffer);
  while (true) {
    ssize_t const size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail_errno("hear from netlink", errno);
    std::string_view const datagram(buffer.data(), static_cast<std::size_t>(size));
    bool const last = BH_TRY(read_messages(datagram, serial, take));
    if (last) return {};
  }
}

}  // namespace bh::os
