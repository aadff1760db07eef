#include <algorithm>
#include <cstdlib>

#include "vmm/soft/translate/block_writer.h"
#include "vmm/soft/translate/instruction_copy.h"
#include "vmm/soft/translate/probe_place.h"

namespace bh::vmm::soft {

namespace {

constexpr std::uint16_t kR11Bit = 1u << R11;
constexpr std::uint16_t kR15Bit = 1u << R15;
constexpr std::uint16_t kRspBit = 1u << Rsp;

/// Pushes or pops that one probe serves.
std::size_t in_a_row(std::span<Piece const> pieces, PieceKind kind) {
  constexpr std::size_t kMost = 16;
  std::size_t count = 0;
  while (count < std::min(kMost, pieces.size()) && pieces[count].kind == kind) {
    // POP RSP moves the stack.
    bool const moves = kind == PieceKind::Pop && pieces[count].op.reg[0] == Rsp;
    if (moves && count != 0) break;
    ++count;
    if (moves) break;
  }
  return count;
}

/// Whether any of them names R11 or R15, or RSP.
bool needs_temporary(std::span<Piece const> pieces) {
  return std::any_of(pieces.begin(), pieces.end(), [](auto const& piece) {
    auto const reg = piece.op.reg[0];
    return reg != kNoOperand && (Scratch::is_one(reg) || reg == Rsp);
  });
}

std::uint32_t limit_of(Operand const& operand) {
  return static_cast<std::uint32_t>(kPageSize) - operand.size;
}

// Bytes that the assembler makes of them.
constexpr std::uint64_t kLoadCodeAddress = 7;
constexpr std::uint64_t kJump = 5;

}  // namespace

void BlockWriter::load_guest(Gpr to, unsigned reg) {
  if (Scratch::is_one(reg)) {
    out_.load_state(to, state_.gpr(reg));
  } else {
    out_.move(to, static_cast<Gpr>(reg));
  }
}

void BlockWriter::address(Operand const& operand) {
  if (operand.is_implied) {
    out_.load_address(R11, static_cast<Gpr>(operand.base), operand.displacement);
    return;
  }
  if (operand.base == kRipSlot) {
    out_.load_state(R11, state_.rip_page());
    out_.load_address(R11, R11, operand.displacement);
  } else {
    copy_address(out_, operand.piece->encoding, R11);
  }
  if (operand.segment != kZeroSegment) out_.add_state(R11, state_.segment_base(operand.segment));
}

std::uint16_t BlockWriter::slot_of(Operand const& operand, std::uint32_t site) {
  if (operand.base == Rsp) {
    // Functions that call each other have frames in different pages now and then.
    constexpr unsigned kFunction = 8;
    return PageSlots::kPlaces + (operand.piece->start() >> kFunction) % PageSlots::kStacks;
  }
  auto const own = static_cast<std::uint16_t>(site % PageSlots::kPlaces);
  if (operand.index != kZeroSlot) return own;
  if (operand.base == kZeroSlot && operand.segment != kZeroSegment) {
    auto const page = static_cast<std::uint32_t>(operand.displacement) >> kPageShift;
    return PageSlots::kPlaces + PageSlots::kStacks + page % PageSlots::kSegments;
  }
  if (operand.base >= slots_.size()) return own;
  auto& slot = slots_[operand.base];
  if (slot == kNoSlot) slot = own;
  return slot;
}

std::uint32_t BlockWriter::probe(Operand const& operand, CodeOffset go_on) {
  auto const privilege = mode_.user ? Privilege::User : Privilege::Supervisor;
  auto const access = operand.writes ? Access::Write : Access::Read;
  auto const site = add_site({.kind = SiteKind::Miss,
                              .writes = operand.writes,
                              .user = mode_.user,
                              .size = static_cast<std::uint8_t>(operand.size),
                              .offset = operand.piece->start(),
                              .go_on = go_on,
                              .patch = out_.offset()});
  auto const slot = slot_of(operand, site);
  out_.xor_state(R11, state_.slot_page(privilege, access, slot));
  out_.compare(R11, limit_of(operand));
  out_.jump_if(Condition::Above, out_.here());
  auto const miss = out_.size();
  out_.load_state(R15, state_.slot_host(privilege, access, slot));
  tails_.push_back({.kind = Tail::Kind::Refill,
                    .jump_end = miss,
                    .site = site,
                    .slot = slot,
                    .back = out_.here(),
                    .operand = operand});
  return site;
}

/// Sends the gate to finish a probe, and goes on at `back`.
void BlockWriter::ask_gate(Operand const& operand, std::uint64_t gate, std::uint32_t site,
                           std::uint32_t slot, std::uint64_t back) {
  out_.load_code_address(R15, out_.here() + kLoadCodeAddress + kJump);
  out_.jump(gate);
  ProbePlace const place{.slot = static_cast<std::uint16_t>(slot * sizeof(std::uint64_t)),
                         .limit = static_cast<std::uint16_t>(limit_of(operand)),
                         .site = site};
  place.write(out_);
  out_.jump(back);
}

void BlockWriter::reach(Operand const& operand) {
  scratch_.spill();
  wide_noted_ = false;  // Who comes back after a miss has vectors loaded anew.
  auto const last = scratch_.operand();
  constexpr std::int32_t kNear = 4096;
  if (last && last->same_registers(operand) && (last->writes || !operand.writes) &&
      std::abs(operand.displacement - last->displacement) < kNear) {
    reach_from(*last, operand);
  } else {
    auto const named = operand.scratch_registers();
    bool const there = ((named & kR11Bit) != 0 && scratch_.has(R11)) ||
                       ((named & kR15Bit) != 0 && scratch_.has(R15));
    auto const start = out_.offset();
    for (auto const reg : {R11, R15}) {
      if ((named >> reg & 1) != 0) scratch_.want(reg, true);
    }
    auto const with_registers = out_.here();
    address(operand);
    auto const site = probe(operand, start);
    // Who comes back after a miss finds nothing in them.
    if (there) {
      tails_.push_back(
          {.kind = Tail::Kind::Retry, .site = site, .back = with_registers, .registers = named});
    }
  }
  scratch_.set_operand(operand);
}

/// From an operand at the same registers: the same page, most likely.
void BlockWriter::reach_from(Operand const& last, Operand const& operand) {
  scratch_.split_operand();
  auto const distance = operand.displacement - last.displacement;
  if (distance != 0) out_.load_address(R11, R11, distance);
  out_.compare(R11, limit_of(operand));
  out_.jump_if(Condition::Above, out_.here());
  tails_.push_back({.kind = Tail::Kind::Reach,
                    .jump_end = out_.size(),
                    .back = out_.here(),
                    .operand = operand});
}

void BlockWriter::with_operand(Piece const& piece, Pointer pointer) {
  note_trap(piece);
  switch (pointer) {
    case Pointer::Sum: copy_with_operand(out_, piece.encoding, R15, R11); break;
    case Pointer::R15Alone: copy_with_operand(out_, piece.encoding, R15); break;
    case Pointer::R11Alone: copy_with_operand(out_, piece.encoding, R11); break;
  }
}

BlockWriter::Pointer BlockWriter::bring_registers(Piece const& piece) {
  bool const restores = wants_host_flags(piece) && flags_ == Flags::Saved;
  if ((piece.registers_kept & kR15Bit) != 0) {
    out_.add(R11, R15);
    if (restores) bring_flags_to_host(R15);
    scratch_.forget_operand();
    scratch_.want(R15, true);
    return Pointer::R11Alone;
  }
  bool const wants_r11 = (piece.registers_kept & kR11Bit) != 0;
  if (!wants_r11 && !restores) return Pointer::Sum;
  out_.add(R15, R11);
  scratch_.operand_is_in_r15();
  if (restores) bring_flags_to_host(R11);
  if (wants_r11) scratch_.want(R11, true);
  return Pointer::R15Alone;
}

void BlockWriter::memory(Piece const& piece) {
  give_up_host_flags(piece.live_in);
  reach(Operand::explicit_of(piece));
  note_wide(piece);
  with_operand(piece, bring_registers(piece));
  if ((piece.registers_written & kR11Bit) != 0) {
    // Without its old value it went over the operand's offset.
    if (!scratch_.has(R11)) scratch_.want(R11, false);
    scratch_.wrote(R11);
  }
  if ((piece.registers_written & kR15Bit) != 0) {
    scratch_.want(R15, false);
    scratch_.wrote(R15);
  }
  scratch_.registers_changed(piece.registers_written, std::nullopt);
  if (piece.touches_flags) flags_ = Flags::Host;
}

// --- The stack

void BlockWriter::move_stack(std::int32_t distance) {
  out_.load_address(Rsp, Rsp, distance);
  scratch_.registers_changed(kRspBit, distance);
}

std::size_t BlockWriter::pushes(std::span<Piece const> pieces) {
  auto const count = in_a_row(pieces, PieceKind::Push);
  auto const size = static_cast<std::int32_t>(8 * count);
  give_up_host_flags(pieces.front().live_in);
  reach(Operand::implied(pieces.front(), Rsp, -size, static_cast<unsigned>(size), true));
  bool const temporary = needs_temporary(pieces.first(count));
  if (temporary) {
    out_.add(R15, R11);
    scratch_.operand_is_in_r15();
  }
  for (std::size_t i = 0; i < count; ++i) {
    auto const& op = pieces[i].op;
    auto const at = static_cast<std::int32_t>(8 * (count - 1 - i));
    auto reg = static_cast<Gpr>(op.reg[0]);
    bool const immediate = op.reg[0] == kNoOperand;
    auto const value = static_cast<std::int32_t>(op.immediate);
    if (!temporary) {
      if (immediate) {
        out_.store_sum_immediate(R15, R11, at, value);
      } else {
        out_.store_sum(R15, R11, at, reg);
      }
      continue;
    }
    if (immediate) {
      out_.store_immediate(R15, at, value);
      continue;
    }
    if (Scratch::is_one(reg)) {
      out_.load_state(R11, state_.gpr(reg));
      reg = R11;
    } else if (reg == Rsp) {
      out_.load_address(R11, Rsp, -static_cast<std::int32_t>(8 * i));
      reg = R11;
    }
    out_.store(R15, at, reg);
  }
  move_stack(-size);
  return count;
}

std::size_t BlockWriter::pops(std::span<Piece const> pieces) {
  auto const count = in_a_row(pieces, PieceKind::Pop);
  auto const size = static_cast<std::int32_t>(8 * count);
  give_up_host_flags(pieces.front().live_in);
  reach(Operand::implied(pieces.front(), Rsp, 0, static_cast<unsigned>(size), false));
  if (pieces.front().op.reg[0] == Rsp) {
    out_.load_sum(Rsp, R15, R11);
    scratch_.registers_changed(kRspBit, std::nullopt);
    return 1;
  }
  bool const temporary = needs_temporary(pieces.first(count));
  if (temporary) {
    out_.add(R15, R11);
    scratch_.operand_is_in_r15();
  }
  std::uint16_t written = 0;
  for (std::size_t i = 0; i < count; ++i) {
    auto const reg = static_cast<Gpr>(pieces[i].op.reg[0]);
    auto const at = static_cast<std::int32_t>(8 * i);
    written |= static_cast<std::uint16_t>(1u << reg);
    if (!temporary) {
      out_.load_sum(reg, R15, R11, at);
    } else if (Scratch::is_one(reg)) {
      out_.load(R11, R15, at);
      out_.store_state(state_.gpr(reg), R11);
    } else {
      out_.load(reg, R15, at);
    }
  }
  scratch_.registers_changed(written, std::nullopt);
  move_stack(size);
  return count;
}

/// What was kept in crossing.target.
void BlockWriter::push_kept(Piece const& piece) {
  reach(Operand::implied(piece, Rsp, -8, 8, true));
  out_.add(R15, R11);
  scratch_.operand_is_in_r15();
  out_.load_state(R11, state_.target());
  out_.store(R15, 0, R11);
  move_stack(-8);
}

void BlockWriter::push_memory(Piece const& piece) {
  give_up_host_flags(piece.live_in);
  auto operand = Operand::explicit_of(piece);
  operand.size = 8;
  operand.writes = false;
  reach(operand);
  out_.load_sum(R11, R15, R11);
  scratch_.forget_operand();
  out_.store_state(state_.target(), R11);
  push_kept(piece);
}

void BlockWriter::leave_frame(Piece const& piece) {
  give_up_host_flags(piece.live_in);
  reach(Operand::implied(piece, Rbp, 0, 8, false));
  out_.load_address(Rsp, Rbp, 8);
  out_.load_sum(Rbp, R15, R11);
  scratch_.forget_operand();
}

void BlockWriter::push_return_address(Piece const& piece) {
  reach(Operand::implied(piece, Rsp, -8, 8, true));
  out_.add(R15, R11);
  scratch_.operand_is_in_r15();
  out_.load_state(R11, state_.rip_page());
  out_.load_address(R11, R11, piece.end());
  out_.store(R15, 0, R11);
  move_stack(-8);
}

}  // namespace bh::vmm::soft
