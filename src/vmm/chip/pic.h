#pragma once

#include <array>
#include <cstdint>

#include "base/error.h"
#include "vmm/engine/engine.h"

namespace bh::vmm::chip {

/// One 8259A as plain values.
struct PicChipState {
  std::uint8_t lines = 0;            // Level of the inputs.
  std::uint8_t requests = 0;         // IRR: latched edges, or the level of level-triggered inputs.
  std::uint8_t in_service = 0;       // ISR
  std::uint8_t mask = 0;             // IMR
  std::uint8_t level_triggered = 0;  // ELCR
  std::uint8_t vector_base = 0;      // ICW2, a multiple of 8.
  std::uint8_t first_priority = 0;   // The input that comes first; rotation moves it.
  std::uint8_t next_icw = 0;         // 2 to 4 while the chip is being initialized, else 0.
  bool needs_icw4 = false;
  bool single = false;
  bool auto_eoi = false;
  bool rotates_on_auto_eoi = false;
  bool special_fully_nested = false;
  bool special_mask = false;
  bool reads_in_service = false;
  bool polls = false;

  friend bool operator==(PicChipState const&, PicChipState const&) = default;
};

struct PicState {
  std::array<PicChipState, 2> chips;  // Master, slave.

  friend bool operator==(PicState const&, PicState const&) = default;
};

/// The PC's two cascaded 8259A interrupt controllers with their edge/level registers (Intel 8259A
/// data sheet, order number 231468). Not thread-safe: the ChipSet locks.
class Pic {
 public:
  /// Starts as firmware leaves it: every input masked.
  Pic();

  /// Drives input 0-15; 2 is the cascade and ignored.
  void set_line(unsigned irq, LineLevel level);

  /// Whether INTR is raised.
  bool output() const { return winner(Chip::Master) != kNone; }
  /// Whether an edge on input 0-15 would reach INTR, other interrupts aside.
  bool unmasked(unsigned irq) const;
  /// The INTA cycle: the vector to deliver, the spurious one (7 or 15) if INTR has gone.
  std::uint8_t acknowledge();

  /// Ports 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1.
  static bool owns_port(std::uint16_t port);
  std::uint8_t read(std::uint16_t port);
  void write(std::uint16_t port, std::uint8_t value);

  PicState save() const { return state_; }
  static Result<> check(PicState const& state);
  Result<> restore(PicState const& state);

 private:
  enum Chip : std::uint8_t { Master, Slave };
  static constexpr int kNone = -1;

  int winner(Chip chip) const;
  unsigned priority_of_lowest_bit(PicChipState const& chip, std::uint8_t bits) const;
  void set_chip_line(PicChipState& chip, unsigned input, LineLevel level);
  void take(PicChipState& chip, unsigned input);
  void write_command(Chip which, std::uint8_t value);
  void write_data(Chip which, std::uint8_t value);
  void write_operation(PicChipState& chip, std::uint8_t value);
  std::uint8_t poll(Chip which);
  void update_cascade();

  PicState state_;
};

}  // namespace bh::vmm::chip
