#pragma once

#include <cstdint>
#include <optional>

#include "base/error.h"

namespace bh::vmm::chip {

/// Input clock of the 8254 on every PC.
inline constexpr std::uint64_t kPitHertz = 1'193'182;

struct PitChannelState {
  std::uint16_t count = 0;  // As written; 0 means 65536 (10000 in BCD).
  std::uint8_t mode = 0;    // 0 to 5.
  std::uint8_t access = 3;  // 1 low byte, 2 high byte, 3 low then high.
  bool bcd = false;
  bool gate = true;
  bool loaded = false;     // A count was written since the mode; else "null count".
  bool triggered = false;  // Modes 1 and 5: the gate has risen since.
  bool high_byte_next_write = false;
  bool high_byte_next_read = false;
  std::uint8_t low_byte = 0;  // First half of a 16-bit write.
  std::uint16_t latched_count = 0;
  std::uint8_t latched_bytes = 0;  // Of the latched count: 0, 1 or 2 still to be read.
  std::uint8_t latched_status = 0;
  bool status_is_latched = false;
  std::uint64_t age = 0;    // ns of counting.
  std::uint64_t edges = 0;  // Rising edges of OUT already reported.

  friend bool operator==(PitChannelState const&, PitChannelState const&) = default;
};

/// One counter of an 8254 (Intel 8254 data sheet, order number 231164). It never ticks: counter
/// and output are worked out from `now` (ns, never going back) whenever somebody looks.
/// A count written in mode 2 or 3 starts a new period at once.
class PitChannel {
 public:
  /// Bits 0-5 of a control word for this channel; access bits 0 are the latch command.
  void write_control(std::uint8_t value, std::uint64_t now);
  void write(std::uint8_t value, std::uint64_t now);
  std::uint8_t read(std::uint64_t now);
  void latch_count(std::uint64_t now);
  void latch_status(std::uint64_t now);

  bool gate() const { return state_.gate; }
  void set_gate(bool high, std::uint64_t now);
  /// Level of OUT.
  bool output(std::uint64_t now) const;

  /// Whether OUT rose since this was last asked; several times count once.
  bool take_edges(std::uint64_t now);
  /// When OUT rises next, at the earliest `now`; edges are at least kShortestPeriod apart.
  std::optional<std::uint64_t> next_edge(std::uint64_t now) const;

  PitChannelState save(std::uint64_t now) const;
  static Result<> check(PitChannelState const& state);
  Result<> restore(PitChannelState const& state, std::uint64_t now);

 private:
  std::uint64_t period() const;
  bool counts() const;
  std::uint64_t age(std::uint64_t now) const;
  std::uint64_t ticks(std::uint64_t now) const;
  std::uint16_t counter(std::uint64_t now) const;
  std::uint64_t edges_after(std::uint64_t ticks) const;
  void load(std::uint16_t count, std::uint64_t now);
  void restart(std::uint64_t now);

  PitChannelState state_;        // `age` is that at start_ or, while not counting, the whole.
  std::uint64_t start_ = 0;      // ns
  std::uint64_t last_edge_ = 0;  // ns
};

}  // namespace bh::vmm::chip
