#include "machine/wiring.h"

#include <fmt/format.h>

namespace bh::machine {

std::string hosts_text(Wiring const& wiring, std::string const& host_name) {
  return fmt::format("127.0.0.1 localhost\n::1 localhost\n{} {}\n",
                     wiring.cards.front().address.address.text(), host_name);
}

std::string resolver_text(Wiring const& wiring) {
  std::string text;
  for (auto const& server : wiring.name_servers) text += fmt::format("nameserver {}\n", server);
  return text;
}

}  // namespace bh::machine
