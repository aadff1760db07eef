#include "vmm/chip/pic.h"

#include <bit>

namespace bh::vmm::chip {

namespace {

constexpr unsigned kCascade = 2;
constexpr unsigned kSpurious = 7;
constexpr unsigned kNoPriority = 8;
// Inputs 0, 1, 2, 8 and 13 (timer, keyboard, cascade, clock, FPU) are always edge-triggered.
constexpr std::array<std::uint8_t, 2> kLevelCapable{0xf8, 0xde};

constexpr std::uint8_t bit(unsigned input) {
  return static_cast<std::uint8_t>(1U << input);
}

constexpr std::uint8_t kIcw1 = 0x10;
constexpr std::uint8_t kOcw3 = 0x08;

}  // namespace

// A kernel that does not care for PICs never masks them, so they must not start open.
Pic::Pic() {
  for (auto& chip : state_.chips) chip.mask = 0xff;
}

// 0 is the most urgent; kNoPriority if no bit is set.
unsigned Pic::priority_of_lowest_bit(PicChipState const& chip, std::uint8_t bits) const {
  if (bits == 0) return kNoPriority;
  auto const rotated = std::rotr(bits, chip.first_priority);
  return static_cast<unsigned>(std::countr_zero(rotated));
}

// The input the chip raises its output for, or kNone.
int Pic::winner(Chip which) const {
  auto const& chip = state_.chips[which];
  auto const wanted = priority_of_lowest_bit(chip, chip.requests & ~chip.mask);
  if (wanted == kNoPriority) return kNone;
  auto serviced = chip.in_service;
  // In special mask mode an input in service that is masked holds nothing back.
  if (chip.special_mask) serviced &= static_cast<std::uint8_t>(~chip.mask);
  // A more urgent input of the slave may interrupt a less urgent one of the slave.
  if (which == Master && chip.special_fully_nested) {
    serviced &= static_cast<std::uint8_t>(~bit(kCascade));
  }
  auto const current = priority_of_lowest_bit(chip, serviced);
  if (wanted >= current) return kNone;
  return static_cast<int>((wanted + chip.first_priority) & 7);
}

void Pic::set_chip_line(PicChipState& chip, unsigned input, LineLevel level) {
  bool const high = level == LineLevel::High;
  bool const rises = high && (chip.lines & bit(input)) == 0;
  if (high) {
    chip.lines |= bit(input);
  } else {
    chip.lines &= static_cast<std::uint8_t>(~bit(input));
  }
  if ((chip.level_triggered & bit(input)) != 0) {
    chip.requests =
        static_cast<std::uint8_t>((chip.requests & ~bit(input)) | (chip.lines & bit(input)));
  } else if (rises) {
    chip.requests |= bit(input);
  }
}

void Pic::update_cascade() {
  // The cascade is a wire, not a latch: when the slave's request goes, the master's goes with it.
  auto& master = state_.chips[Master];
  if (winner(Slave) != kNone) {
    master.lines |= bit(kCascade);
    master.requests |= bit(kCascade);
  } else {
    master.lines &= static_cast<std::uint8_t>(~bit(kCascade));
    master.requests &= static_cast<std::uint8_t>(~bit(kCascade));
  }
}

void Pic::set_line(unsigned irq, LineLevel level) {
  if (irq == kCascade || irq > 15) return;
  set_chip_line(state_.chips[irq / 8], irq % 8, level);
  update_cascade();
}

bool Pic::unmasked(unsigned irq) const {
  if (irq > 15) return false;
  if ((state_.chips[irq / 8].mask & bit(irq % 8)) != 0) return false;
  return irq < 8 || (state_.chips[Master].mask & bit(kCascade)) == 0;
}

// INTA for one input: it is in service until the EOI.
void Pic::take(PicChipState& chip, unsigned input) {
  if (!chip.auto_eoi) {
    chip.in_service |= bit(input);
  } else if (chip.rotates_on_auto_eoi) {
    chip.first_priority = (input + 1) & 7;
  }
  if ((chip.level_triggered & bit(input)) == 0) {
    chip.requests &= static_cast<std::uint8_t>(~bit(input));
  }
}

std::uint8_t Pic::acknowledge() {
  auto& master = state_.chips[Master];
  auto& slave = state_.chips[Slave];
  int const input = winner(Master);
  if (input == kNone) return master.vector_base + kSpurious;
  if (input != kCascade) {
    take(master, static_cast<unsigned>(input));
    return static_cast<std::uint8_t>(master.vector_base + input);
  }
  // update_cascade() sees to it that the slave has one; hardware answers 15 where it lost it.
  int const second = winner(Slave);
  take(master, kCascade);
  if (second != kNone) take(slave, static_cast<unsigned>(second));
  update_cascade();
  return static_cast<std::uint8_t>(slave.vector_base + (second == kNone ? kSpurious : second));
}

bool Pic::owns_port(std::uint16_t port) {
  return port == 0x20 || port == 0x21 || port == 0xa0 || port == 0xa1 || port == 0x4d0 ||
         port == 0x4d1;
}

std::uint8_t Pic::poll(Chip which) {
  auto& chip = state_.chips[which];
  chip.polls = false;
  int const input = winner(which);
  if (input == kNone) return 0;
  take(chip, static_cast<unsigned>(input));
  update_cascade();
  return static_cast<std::uint8_t>(0x80 | input);
}

std::uint8_t Pic::read(std::uint16_t port) {
  auto const which = (port & 0x80) != 0 ? Slave : Master;
  switch (port) {
    case 0x4d0: return state_.chips[Master].level_triggered;
    case 0x4d1: return state_.chips[Slave].level_triggered;
    case 0x20:
    case 0xa0: {
      auto const& chip = state_.chips[which];
      if (chip.polls) return poll(which);
      return chip.reads_in_service ? chip.in_service : chip.requests;
    }
    case 0x21:
    case 0xa1: return state_.chips[which].polls ? poll(which) : state_.chips[which].mask;
    default: return 0xff;
  }
}

void Pic::write(std::uint16_t port, std::uint8_t value) {
  auto const which = (port & 0x80) != 0 ? Slave : Master;
  switch (port) {
    case 0x4d0:
    case 0x4d1: {
      auto& chip = state_.chips[port - 0x4d0];
      chip.level_triggered = value & kLevelCapable[port - 0x4d0];
      chip.requests = static_cast<std::uint8_t>((chip.requests & ~chip.level_triggered) |
                                                (chip.lines & chip.level_triggered));
      break;
    }
    case 0x20:
    case 0xa0: write_command(which, value); break;
    case 0x21:
    case 0xa1: write_data(which, value); break;
    default: return;
  }
  update_cascade();
}

void Pic::write_command(Chip which, std::uint8_t value) {
  auto& chip = state_.chips[which];
  if ((value & kIcw1) != 0) {
    // Lines and ELCR belong to the board; edges that were latched are forgotten (8259A, "ICW1").
    chip = PicChipState{
        .lines = chip.lines,
        .requests = static_cast<std::uint8_t>(chip.lines & chip.level_triggered),
        .level_triggered = chip.level_triggered,
        .vector_base = chip.vector_base,
        .next_icw = 2,
        .needs_icw4 = (value & 1) != 0,
        .single = (value & 2) != 0,
    };
  } else if ((value & kOcw3) != 0) {
    if ((value & 4) != 0) chip.polls = true;
    if ((value & 2) != 0) chip.reads_in_service = (value & 1) != 0;
    if ((value & 0x40) != 0) chip.special_mask = (value & 0x20) != 0;
  } else {
    write_operation(chip, value);
  }
}

// OCW2: end of interrupt and rotation.
void Pic::write_operation(PicChipState& chip, std::uint8_t value) {
  unsigned const level = value & 7;
  switch (value >> 5) {
    case 0: chip.rotates_on_auto_eoi = false; break;
    case 4: chip.rotates_on_auto_eoi = true; break;
    case 1:
    case 5: {
      auto serviced = chip.in_service;
      // In special mask mode a masked input is not ended by a non-specific EOI.
      if (chip.special_mask) serviced &= static_cast<std::uint8_t>(~chip.mask);
      auto const priority = priority_of_lowest_bit(chip, serviced);
      if (priority == kNoPriority) break;
      unsigned const input = (priority + chip.first_priority) & 7;
      chip.in_service &= static_cast<std::uint8_t>(~bit(input));
      if (value >> 5 == 5) chip.first_priority = (input + 1) & 7;
      break;
    }
    case 3: chip.in_service &= static_cast<std::uint8_t>(~bit(level)); break;
    case 6: chip.first_priority = (level + 1) & 7; break;
    case 7:
      chip.in_service &= static_cast<std::uint8_t>(~bit(level));
      chip.first_priority = (level + 1) & 7;
      break;
    default: break;
  }
}

void Pic::write_data(Chip which, std::uint8_t value) {
  auto& chip = state_.chips[which];
  auto const after = [&chip](std::uint8_t icw) -> std::uint8_t {
    if (icw == 2 && !chip.single) return 3;
    return icw < 4 && chip.needs_icw4 ? 4 : 0;
  };
  switch (chip.next_icw) {
    case 0: chip.mask = value; return;
    case 2: chip.vector_base = value & 0xf8; break;
    case 3: break;  // The cascade is wired as on every PC, whatever ICW3 says.
    default:
      chip.auto_eoi = (value & 2) != 0;
      chip.special_fully_nested = (value & 0x10) != 0;
      break;
  }
  chip.next_icw = after(chip.next_icw);
}

Result<> Pic::check(PicState const& state) {
  for (auto const& chip : state.chips) {
    bool const slave = &chip == &state.chips[Slave];
    if ((chip.vector_base & 7) != 0 || chip.first_priority > 7 || chip.next_icw == 1 ||
        chip.next_icw > 4 || (chip.level_triggered & ~kLevelCapable[slave ? 1 : 0]) != 0) {
      return fail(Errc::Corrupt, slave ? "saved state of the slave PIC is out of range"
                                       : "saved state of the master PIC is out of range");
    }
  }
  return {};
}

Result<> Pic::restore(PicState const& state) {
  BH_TRY(check(state));
  state_ = state;
  update_cascade();
  return {};
}

}  // namespace bh::vmm::chip
