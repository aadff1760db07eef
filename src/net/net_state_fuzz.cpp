#include <boost/json/serialize.hpp>
#include <cstdint>
#include <cstdlib>

#include "net/explain.h"
#include "net/name_server.h"
#include "net/names.h"
#include "net/ruleset.h"
#include "net/state_json.h"

// The input is a state document. What is read from it is the same after writing it, has a ruleset,
// and questions about it have answers.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace bh::net;
  auto const state = parse_state({reinterpret_cast<char const*>(data), size});
  if (!state) return 0;
  auto const again = parse_state(boost::json::serialize(json_of(*state)));
  if (!again || !(*again == *state)) std::abort();
  (void)ruleset_of(*state);
  // Every name is at this address, and every rule about a domain opens it.
  static constexpr Ipv4Address kNamed{0xc000'0201};
  NameSets sets;
  for (auto const& network : state->networks) {
    (void)name_server_config(network, "/run/x", {"192.0.2.53"});
    for (auto const& rule : network.rules) {
      if (rule.domain() != nullptr) sets[name_set(network.name, *rule.domain())].insert(kNamed);
    }
  }
  HostView const host{.addresses = {},
                      .look_up = [](auto, auto) { return std::vector{kNamed}; },
                      .name_sets = [&] { return sets; }};
  for (auto const& attachment : state->attachments) {
    for (auto const* const to : {"host", "127.0.0.1", "192.0.2.1", "example.com"}) {
      if (!explain(*state, host, {attachment.machine, to, Protocol::Tcp, 80})) std::abort();
    }
    if (!explain(*state, host, {"outside", attachment.machine, Protocol::Udp, 53})) std::abort();
  }
  return 0;
}
