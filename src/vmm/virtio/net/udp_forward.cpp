#include "vmm/virtio/net/udp_forward.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "vmm/api/config.h"
#include "vmm/virtio/net/datagram.h"

namespace bh::vmm::virtio {

namespace {

constexpr std::uint32_t kHost = 0x0a00'0202;
constexpr std::uint32_t kGuest = 0x0a00'020f;
// What libslirp answers when the guest asks who has 10.0.2.2.
constexpr MacAddress kHostMac{0x52, 0x55, 10, 0, 2, 2};
constexpr std::uint16_t kFirstAlias = 1024;
constexpr std::uint16_t kAliases = 60000;

}  // namespace

Result<UdpForward> UdpForward::open(PortForwardConfig const& config) {
  auto const bytes = BH_TRY(parse_ipv4(config.host_address));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(config.host_port));
  std::ranges::copy(bytes, reinterpret_cast<std::uint8_t*>(&address.sin_addr));
  os::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return fail_errno("socket", errno);
  if (::bind(socket.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
    return fail_errno("bind", errno);
  }
  return UdpForward(std::move(socket), static_cast<std::uint16_t>(config.guest_port));
}

std::uint16_t UdpForward::alias_of(std::uint32_t address, std::uint16_t port) {
  auto const found = std::ranges::find_if(clients_, [&](Client const& client) {
    return client.address == address && client.port == port;
  });
  Client client{.address = address, .port = port, .alias = 0};
  if (found != clients_.end()) {
    client.alias = found->alias;
    clients_.erase(found);
  } else {
    if (clients_.size() == kMaxClients) clients_.pop_front();
    // Its turn comes again after all others; by then it is in use only by who never stopped asking.
    do {
      client.alias = static_cast<std::uint16_t>(kFirstAlias + next_alias_);
      next_alias_ = static_cast<std::uint16_t>((next_alias_ + 1) % kAliases);
    } while (std::ranges::find(clients_, client.alias, &Client::alias) != clients_.end());
  }
  clients_.push_back(client);
  return client.alias;
}

std::vector<std::byte> UdpForward::receive(MacAddress const& guest) {
  // One byte more than fits, to know what was cut.
  std::array<std::byte, Datagram::kMaxPayload + 1> payload;
  while (true) {
    sockaddr_in from{};
    socklen_t length = sizeof from;
    ssize_t const size = ::recvfrom(socket_.get(), payload.data(), payload.size(), 0,
                                    reinterpret_cast<sockaddr*>(&from), &length);
    // Of an answer that its client did not take.
    if (size < 0 && (errno == EINTR || errno == ECONNREFUSED)) continue;
    if (size < 0) return {};
    if (static_cast<std::size_t>(size) > Datagram::kMaxPayload) continue;
    return make_frame({.source_mac = kHostMac,
                       .destination_mac = guest,
                       .source = kHost,
                       .destination = kGuest,
                       .source_port = alias_of(ntohl(from.sin_addr.s_addr), ntohs(from.sin_port)),
                       .destination_port = guest_port_,
                       .payload = std::span(payload).first(static_cast<std::size_t>(size))});
  }
}

bool UdpForward::answer(std::span<std::byte const> frame) {
  auto const datagram = parse_datagram(frame);
  if (!datagram || datagram->destination != kHost || datagram->source_port != guest_port_) {
    return false;
  }
  auto const client = std::ranges::find(clients_, datagram->destination_port, &Client::alias);
  if (client == clients_.end()) return false;
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(client->port);
  to.sin_addr.s_addr = htonl(client->address);
  // What the host cannot send is lost, as on a wire.
  [[maybe_unused]] auto const sent =
      ::sendto(socket_.get(), datagram->payload.data(), datagram->payload.size(), 0,
               reinterpret_cast<sockaddr const*>(&to), sizeof to);
  return true;
}

}  // namespace bh::vmm::virtio
