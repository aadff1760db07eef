#include "net/published_port.h"

#include <fmt/format.h>

#include <charconv>

namespace bh::net {

Result<Protocol> parse_protocol(std::string_view text) {
  if (text == "tcp") return Protocol::Tcp;
  if (text == "udp") return Protocol::Udp;
  return fail(Errc::Invalid, fmt::format("protocol \"{}\": must be tcp or udp", text));
}

std::string_view to_string(Protocol protocol) {
  return protocol == Protocol::Tcp ? "tcp" : "udp";
}

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  auto const* const end = text.data() + text.size();
  auto const [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || stop != end || port == 0) {
    return fail(Errc::Invalid, fmt::format("port \"{}\": must be a number from 1 to 65535", text));
  }
  return port;
}

namespace {

Result<PublishedPort> parse_parts(std::string_view text) {
  PublishedPort port;
  auto const slash = text.rfind('/');
  if (slash != text.npos) {
    port.protocol = BH_TRY(parse_protocol(text.substr(slash + 1)));
    text = text.substr(0, slash);
  }
  auto const last = text.rfind(':');
  if (last == text.npos) return fail(Errc::Invalid, "a : is missing");
  port.machine_port = BH_TRY(parse_port(text.substr(last + 1)));
  auto host = text.substr(0, last);
  auto const colon = host.rfind(':');
  if (colon != host.npos) {
    port.host_address = BH_TRY(Ipv4Address::parse(host.substr(0, colon)));
    host = host.substr(colon + 1);
  }
  port.host_port = BH_TRY(parse_port(host));
  return port;
}

}  // namespace

Result<PublishedPort> PublishedPort::parse(std::string_view text) {
  auto port = parse_parts(text);
  if (port) return port;
  return fail(Errc::Invalid,
              fmt::format("\"{}\": {}; must be [ADDRESS:]HOST_PORT:MACHINE_PORT[/udp]", text,
                          port.error().message));
}

std::string PublishedPort::text() const {
  return fmt::format("{}:{}:{}/{}", host_address.text(), host_port, machine_port,
                     to_string(protocol));
}

bool collide(PublishedPort const& one, PublishedPort const& other) {
  bool const same_address = one.host_address == other.host_address ||
                            one.host_address == kAnyAddress || other.host_address == kAnyAddress;
  return one.protocol == other.protocol && one.host_port == other.host_port && same_address;
}

}  // namespace bh::net
