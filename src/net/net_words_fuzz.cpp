#include <cstdlib>

#include "net/egress_rule.h"
#include "net/published_port.h"

// The input is a word of a command line. What is read from it is read again from its own text.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace bh::net;
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  auto const port = PublishedPort::parse(text);
  if (port && PublishedPort::parse(port->text()).value() != *port) std::abort();
  auto const rule = EgressRule::parse(Verdict::Deny, text);
  if (rule && EgressRule::parse(Verdict::Deny, rule->target()).value() != *rule) std::abort();
  auto const pattern = DomainPattern::parse(text);
  if (pattern && DomainPattern::parse(pattern->text()).value() != *pattern) std::abort();
  auto const subnet = Subnet::parse(text);
  if (subnet && Subnet::parse(subnet->text()).value() != *subnet) std::abort();
  auto const mac = MacAddress::parse(text);
  if (mac && MacAddress::parse(mac->text()).value() != *mac) std::abort();
  return 0;
}
