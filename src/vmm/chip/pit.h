#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/error.h"
#include "vmm/chip/pit_channel.h"

namespace bh::vmm::chip {

struct PitState {
  std::array<PitChannelState, 3> channels;
  bool speaker = false;  // Port 0x61 bit 1.

  friend bool operator==(PitState const&, PitState const&) = default;
};

/// The PC's 8254 timer with port 0x61. OUT of channel 0 is interrupt line 0; channel 2's gate and
/// OUT are in port 0x61. Times are ns that never go back. Not thread-safe: the ChipSet locks.
class Pit {
 public:
  Pit();

  /// Ports 0x40-0x43 and 0x61.
  static bool owns_port(std::uint16_t port);
  std::uint8_t read(std::uint16_t port, std::uint64_t now);
  void write(std::uint16_t port, std::uint8_t value, std::uint64_t now);

  /// Whether line 0 rose since this was last asked.
  bool take_edges(std::uint64_t now) { return channels_[0].take_edges(now); }
  /// When line 0 rises next.
  std::optional<std::uint64_t> next_edge(std::uint64_t now) const {
    return channels_[0].next_edge(now);
  }

  PitState save(std::uint64_t now) const;
  static Result<> check(PitState const& state);
  Result<> restore(PitState const& state, std::uint64_t now);

 private:
  void write_control(std::uint8_t value, std::uint64_t now);

  std::array<PitChannel, 3> channels_;
  bool speaker_ = false;
};

}  // namespace bh::vmm::chip
