#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"
#include "vmm/chip/interrupt_message.h"
#include "vmm/engine/engine.h"

namespace bh::vmm::chip {

struct IoApicState {
  std::uint32_t id = 0;       // Bits 24-27, as the register holds them.
  std::uint8_t selected = 0;  // IOREGSEL
  std::uint32_t lines = 0;    // Level of pin n in bit n.
  std::array<std::uint64_t, kIoApicPins> redirection{};

  friend bool operator==(IoApicState const&, IoApicState const&) = default;
};

/// I/O APIC with 24 pins and an EOI register (Intel 82093AA data sheet, order number 290566; the
/// EOI register as in ICH data sheets). Pin polarity is stored and otherwise ignored: High always
/// means asserted. ExtINT and SMI entries deliver nothing. Not thread-safe: the ChipSet locks.
class IoApic {
 public:
  explicit IoApic(ApicBus& bus);

  void set_line(unsigned pin, LineLevel level);
  /// An EOI for `vector` reached us: level-triggered pins that are still high interrupt again.
  void end_of_interrupt(std::uint8_t vector);
  bool unmasked(unsigned pin) const;

  /// Offsets in the 4 KiB page; data of 1 to 8 bytes.
  void read(std::uint64_t offset, std::span<std::byte> data);
  void write(std::uint64_t offset, std::span<std::byte const> data);

  IoApicState save() const { return state_; }
  static Result<> check(IoApicState const& state);
  Result<> restore(IoApicState const& state);

 private:
  std::uint32_t read_selected() const;
  void write_selected(std::uint32_t value);
  void deliver(unsigned pin);
  void deliver_if_level(unsigned pin);

  ApicBus& bus_;
  IoApicState state_;
};

}  // namespace bh::vmm::chip
