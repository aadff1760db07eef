#pragma once

#include <cstdint>
#include <string>

#include "machine/clock.h"
#include "net/state.h"

namespace bh::machine {

/// What is kept of a managed network.
struct NetworkRecord {
  net::Network network;
  Time created = 0;
};

/// A machine's card in a managed network: as long as the machine exists, wherever it runs.
struct Card {
  std::string machine;  // Its id.
  std::string network;
  net::Ipv4Address address;
  /// The inode of the host's network namespace that the card is plugged into; 0: into none.
  std::uint64_t host = 0;
  std::string name_space;  // Then the machine's own, as a path; empty: the card is a tap.
};

}  // namespace bh::machine
