#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/address.h"

namespace bh::net {

enum class Protocol : std::uint8_t { Tcp, Udp };

/// "tcp" or "udp".
Result<Protocol> parse_protocol(std::string_view text);
std::string_view to_string(Protocol protocol);

/// 1 to 65535, in decimal.
Result<std::uint16_t> parse_port(std::string_view text);

/// A port of the host that leads to one of a machine.
struct PublishedPort {
  Protocol protocol = Protocol::Tcp;
  Ipv4Address host_address = kLoopback;  // kAnyAddress: all the host has.
  std::uint16_t host_port = 0;
  std::uint16_t machine_port = 0;

  /// "[ADDRESS:]HOST_PORT:MACHINE_PORT[/tcp|/udp]"
  static Result<PublishedPort> parse(std::string_view text);
  std::string text() const;

  friend bool operator==(PublishedPort const&, PublishedPort const&) = default;
};

/// Whether both ask for one port of the host.
bool collide(PublishedPort const& one, PublishedPort const& other);

}  // namespace bh::net
