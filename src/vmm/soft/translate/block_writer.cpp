#include "vmm/soft/translate/block_writer.h"

#include <algorithm>

#include "vmm/soft/translate/instruction_copy.h"

namespace bh::vmm::soft {

namespace {

constexpr std::uint16_t kR11Bit = 1u << R11;
constexpr std::uint16_t kR15Bit = 1u << R15;

constexpr bool lives_in_memory(unsigned reg) {
  return reg == R11 || reg == R15;
}

FpuLoad fpu_state(std::span<Piece const> pieces) {
  FpuLoad state;
  for (auto const& piece : pieces) {
    state.vectors = state.vectors || piece.vectors;
    state.x87 = state.x87 || piece.x87;
  }
  return state;
}

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

}  // namespace

void find_live_flags(std::span<Piece> pieces, TranslationMode mode) {
  FlagSet live = kAllFlags;
  for (std::size_t i = pieces.size(); i-- > 0;) {
    Piece& piece = pieces[i];
    // Where a branch goes anything may be read.
    if (piece.kind == PieceKind::Branch) live = kAllFlags;
    piece.live_out = live;
    live = (live & ~piece.kills) | piece.reads;
    if (mode.every_flag) live = kAllFlags;
    piece.live_in = live;
  }
}

Entries BlockWriter::write(std::span<Piece const> pieces, bool next_straddles) {
  next_straddles_ = next_straddles;
  Entries const entries = enter(pieces);
  auto rest = pieces;
  while (!rest.empty()) {
    std::size_t const done = write_some(rest);
    Piece const& last = rest[done - 1];
    rest = rest.subspan(done);
    if (!rest.empty()) continue;
    switch (last.kind) {
      case PieceKind::Jump:
      case PieceKind::Call:
      case PieceKind::JumpIndirect:
      case PieceKind::CallIndirect:
      case PieceKind::Return:
      case PieceKind::StepOut: break;
      default: go_to(last, last.end());
    }
  }
  tails();
  return entries;
}

BlockWriter::FirstUse BlockWriter::first_use(std::span<Piece const> pieces) const {
  if (pieces.front().live_in == 0) return FirstUse::None;
  FpuLoad const fpu = fpu_state(pieces);
  if (fpu.vectors || fpu.x87) return FirstUse::Saved;
  for (auto const& piece : pieces) {
    switch (piece.kind) {
      case PieceKind::Nothing:
      case PieceKind::LoadAddress: break;
      case PieceKind::Copy:
        if (wants_host_flags(piece)) return FirstUse::InHost;
        break;
      case PieceKind::Branch: return FirstUse::InHost;
      case PieceKind::Jump: {
        bool const near = piece.end() + piece.op.immediate >= 0 &&
                          piece.end() + piece.op.immediate < static_cast<std::int64_t>(kPageSize);
        return near ? FirstUse::InHost : FirstUse::Saved;
      }
      default: return FirstUse::Saved;
    }
  }
  return FirstUse::InHost;
}

Entries BlockWriter::enter(std::span<Piece const> pieces) {
  Entries entries;
  entries.fpu = fpu_state(pieces);
  entries.external = out_.here();
  out_.load_address(R15, R11, -static_cast<std::int32_t>(pieces.front().start()));
  out_.store_state(state_.rip_page(), R15);
  auto const first = first_use(pieces);
  entries.flags_dead = first == FirstUse::None;
  entries.wants_host_flags = first == FirstUse::InHost;
  switch (first) {
    case FirstUse::None:
      entries.saved = entries.host = out_.here();
      flags_ = Flags::Nowhere;
      break;
    case FirstUse::InHost:
      entries.saved = out_.here();
      out_.restore_flags(state_.flags(), R11);
      entries.host = out_.here();
      flags_ = Flags::Host;
      break;
    case FirstUse::Saved: {
      out_.jump(out_.here());
      auto const over = out_.size();
      entries.host = out_.here();
      out_.save_flags(state_.flags(), R11);
      out_.land(over);
      entries.saved = out_.here();
      flags_ = Flags::Saved;
      break;
    }
  }
  auto const load_unless = [&](std::int32_t loaded, std::uint64_t load) {
    out_.compare_state8(loaded, 0);
    out_.jump_if(Condition::Equal, out_.here());
    tails_.push_back(
        {.kind = Tail::Kind::Load, .jump_end = out_.size(), .go_to = load, .back = out_.here()});
  };
  if (entries.fpu.x87) load_unless(state_.x87_loaded(), gate_.load_x87);
  if (entries.fpu.vectors) load_unless(state_.vectors_loaded(), gate_.load_vectors);
  return entries;
}

std::size_t BlockWriter::write_some(std::span<Piece const> pieces) {
  Piece const& piece = pieces.front();
  switch (piece.kind) {
    case PieceKind::Nothing: break;
    case PieceKind::Copy: copy(piece); break;
    case PieceKind::LoadAddress: load_address(piece); break;
    case PieceKind::Memory: memory(piece); break;
    case PieceKind::Push: return pushes(pieces);
    case PieceKind::Pop: return pops(pieces);
    case PieceKind::PushMemory: push_memory(piece); break;
    case PieceKind::PushFlags: push_flags(piece); break;
    case PieceKind::SwapGs: swap_gs(); break;
    case PieceKind::ClearInterrupts: clear_interrupts(piece); break;
    case PieceKind::SetInterrupts: set_interrupts(piece); break;
    case PieceKind::Leave: leave_frame(piece); break;
    case PieceKind::Jump:
      go_to(piece, piece.end() + static_cast<std::int32_t>(piece.op.immediate));
      break;
    case PieceKind::Branch: branch(piece); break;
    case PieceKind::Call: call(piece); break;
    case PieceKind::JumpIndirect: jump_indirect(piece); break;
    case PieceKind::CallIndirect: call_indirect(piece); break;
    case PieceKind::Return: return_near(piece); break;
    case PieceKind::Step: step(piece, SiteKind::Step); break;
    case PieceKind::StepOut: step(piece, SiteKind::StepOut); break;
  }
  return 1;
}

// --- Flags

bool BlockWriter::wants_host_flags(Piece const& piece) const {
  if (piece.reads != 0) return true;
  return piece.touches_flags && (piece.live_out & ~piece.kills) != 0;
}

void BlockWriter::bring_flags_to_host(Gpr spare) {
  if (flags_ != Flags::Saved) return;
  out_.restore_flags(state_.flags(), spare);
  flags_ = Flags::Both;
}

void BlockWriter::give_up_host_flags(FlagSet live) {
  if (flags_ == Flags::Host) {
    if (live != 0) out_.save_flags(state_.flags(), R11);
    flags_ = live != 0 ? Flags::Saved : Flags::Nowhere;
  } else if (flags_ == Flags::Both) {
    flags_ = Flags::Saved;
  }
}

// --- Instructions without memory

void BlockWriter::note_trap(Piece const& piece) {
  if (!piece.may_trap) return;
  traps_.push_back({.host = out_.here(),
                    .offset = piece.start(),
                    .x87_opcode = piece.op.x87_opcode,
                    .flags_in_host = flags_ == Flags::Host});
}

void BlockWriter::load_guest(Gpr to, unsigned reg) {
  if (lives_in_memory(reg)) {
    out_.load_state(to, state_.gpr(reg));
  } else {
    out_.move(to, static_cast<Gpr>(reg));
  }
}

void BlockWriter::copy(Piece const& piece) {
  if (wants_host_flags(piece)) bring_flags_to_host(R11);
  std::uint16_t const named = piece.registers | piece.address_registers;
  for (auto const reg : {R11, R15}) {
    if ((named >> reg & 1) != 0) out_.load_state(reg, state_.gpr(reg));
  }
  note_trap(piece);
  auto const& instruction = *piece.instruction;
  out_.bytes(std::span(instruction.bytes).first(instruction.decoded.length));
  for (auto const reg : {R11, R15}) {
    if ((piece.registers_written >> reg & 1) != 0) out_.store_state(state_.gpr(reg), reg);
  }
  if (piece.touches_flags) flags_ = Flags::Host;
}

void BlockWriter::load_address(Piece const& piece) {
  out_.load_state(R11, state_.rip_page());
  auto const to = static_cast<Gpr>(piece.op.reg[0]);
  auto const displacement = static_cast<std::int32_t>(piece.op.displacement);
  if (piece.op.operand_size == 4) {
    out_.load_address32(to, R11, displacement);
  } else {
    out_.load_address(to, R11, displacement);
  }
  if (lives_in_memory(to)) out_.store_state(state_.gpr(to), to);
}

// --- Memory

void BlockWriter::address(Piece const& piece) {
  if (piece.op.base == kRipSlot) {
    out_.load_state(R11, state_.rip_page());
    out_.load_address(R11, R11, static_cast<std::int32_t>(piece.op.displacement));
  } else {
    if ((piece.address_registers & kR11Bit) != 0) out_.load_state(R11, state_.gpr(R11));
    if ((piece.address_registers & kR15Bit) != 0) out_.load_state(R15, state_.gpr(R15));
    copy_address(out_, *piece.instruction, R11);
  }
  if (piece.op.segment != kZeroSegment) out_.add_state(R11, state_.segment_base(piece.op.segment));
}

void BlockWriter::probe(Piece const& piece, std::uint64_t go_on, unsigned size, Access access) {
  auto const privilege = mode_.user ? Privilege::User : Privilege::Supervisor;
  // Page number times the size of an entry.
  static_assert(sizeof(InlineTlb::Entry) == 32);
  constexpr unsigned kEntryShift = 5;
  out_.move32(R15, R11);
  out_.shift_right32(R15, kPageShift - kEntryShift);
  out_.and32(R15, static_cast<std::uint32_t>((InlineTlb::kEntries - 1) << kEntryShift));
  out_.xor_state_at(R11, R15, state_.tlb_tag(privilege, access));
  out_.compare(R11, static_cast<std::uint32_t>(kPageSize) - size);
  out_.jump_if(Condition::Above, out_.here());
  tails_.push_back({.kind = Tail::Kind::Leave,
                    .jump_end = out_.size(),
                    .go_to = gate_.leave_miss[mode_.user ? 1 : 0][access == Access::Write ? 1 : 0],
                    .site = add_site({.kind = SiteKind::Miss,
                                      .writes = access == Access::Write,
                                      .size = static_cast<std::uint8_t>(size),
                                      .offset = piece.start(),
                                      .go_on = go_on})});
  out_.load_state_at(R15, R15, state_.tlb_host(privilege));
}

void BlockWriter::with_operand(Piece const& piece, Pointer pointer) {
  note_trap(piece);
  switch (pointer) {
    case Pointer::Sum: copy_with_operand(out_, *piece.instruction, R15, R11); break;
    case Pointer::R15Alone: copy_with_operand(out_, *piece.instruction, R15); break;
    case Pointer::R11Alone: copy_with_operand(out_, *piece.instruction, R11); break;
  }
}

void BlockWriter::memory(Piece const& piece) {
  give_up_host_flags(piece.live_in);
  auto const go_on = out_.here();
  address(piece);
  probe(piece, go_on, piece.op.memory_size,
        piece.op.memory_access == OperandAccess::Read ? Access::Read : Access::Write);
  bool const host_flags = wants_host_flags(piece);
  bool const restore = host_flags && flags_ == Flags::Saved;
  if ((piece.registers & kR11Bit) != 0) {
    out_.add(R15, R11);
    if (restore) bring_flags_to_host(R11);
    out_.load_state(R11, state_.gpr(R11));
    with_operand(piece, Pointer::R15Alone);
    if ((piece.registers_written & kR11Bit) != 0) out_.store_state(state_.gpr(R11), R11);
  } else if ((piece.registers & kR15Bit) != 0) {
    out_.add(R11, R15);
    if (restore) bring_flags_to_host(R15);
    out_.load_state(R15, state_.gpr(R15));
    with_operand(piece, Pointer::R11Alone);
    if ((piece.registers_written & kR15Bit) != 0) out_.store_state(state_.gpr(R15), R15);
  } else if (restore) {
    out_.add(R15, R11);
    bring_flags_to_host(R11);
    with_operand(piece, Pointer::R15Alone);
  } else {
    with_operand(piece, Pointer::Sum);
  }
  if (piece.touches_flags) flags_ = Flags::Host;
}

// --- The stack

std::size_t BlockWriter::pushes(std::span<Piece const> pieces) {
  auto const count = in_a_row(pieces, PieceKind::Push);
  auto const size = static_cast<std::int32_t>(8 * count);
  give_up_host_flags(pieces.front().live_in);
  auto const go_on = out_.here();
  out_.load_address(R11, Rsp, -size);
  probe(pieces.front(), go_on, static_cast<unsigned>(size), Access::Write);
  out_.add(R15, R11);
  for (std::size_t i = 0; i < count; ++i) {
    auto const& op = pieces[i].op;
    auto const at = static_cast<std::int32_t>(8 * (count - 1 - i));
    if (op.reg[0] == kNoOperand) {
      out_.store_immediate(R15, at, static_cast<std::int32_t>(op.immediate));
    } else if (lives_in_memory(op.reg[0])) {
      out_.load_state(R11, state_.gpr(op.reg[0]));
      out_.store(R15, at, R11);
    } else if (op.reg[0] == Rsp) {
      out_.load_address(R11, Rsp, -static_cast<std::int32_t>(8 * i));
      out_.store(R15, at, R11);
    } else {
      out_.store(R15, at, static_cast<Gpr>(op.reg[0]));
    }
  }
  out_.load_address(Rsp, Rsp, -size);
  return count;
}

std::size_t BlockWriter::pops(std::span<Piece const> pieces) {
  auto const count = in_a_row(pieces, PieceKind::Pop);
  auto const size = static_cast<std::int32_t>(8 * count);
  give_up_host_flags(pieces.front().live_in);
  auto const go_on = out_.here();
  out_.move(R11, Rsp);
  probe(pieces.front(), go_on, static_cast<unsigned>(size), Access::Read);
  out_.add(R15, R11);
  for (std::size_t i = 0; i < count; ++i) {
    auto const reg = pieces[i].op.reg[0];
    auto const at = static_cast<std::int32_t>(8 * i);
    if (reg == Rsp) {
      out_.load(Rsp, R15, at);
      return count;
    }
    if (lives_in_memory(reg)) {
      out_.load(R11, R15, at);
      out_.store_state(state_.gpr(reg), R11);
    } else {
      out_.load(static_cast<Gpr>(reg), R15, at);
    }
  }
  out_.load_address(Rsp, Rsp, size);
  return count;
}

void BlockWriter::push_kept(Piece const& piece) {
  auto const go_on = out_.here();
  out_.load_address(R11, Rsp, -8);
  probe(piece, go_on, 8, Access::Write);
  out_.add(R15, R11);
  out_.load_state(R11, state_.target());
  out_.store(R15, 0, R11);
  out_.load_address(Rsp, Rsp, -8);
}

void BlockWriter::push_memory(Piece const& piece) {
  give_up_host_flags(piece.live_in);
  auto const go_on = out_.here();
  address(piece);
  probe(piece, go_on, 8, Access::Read);
  out_.load_sum(R11, R15, R11);
  out_.store_state(state_.target(), R11);
  push_kept(piece);
}

void BlockWriter::push_flags(Piece const& piece) {
  give_up_host_flags(kAllFlags);
  // ArithmeticFlags::rflags(), with the others. PUSHF shows RF and VM as clear.
  constexpr unsigned kOverflowShift = 11;
  constexpr auto kHidden = static_cast<std::uint32_t>(kFlagRf | kFlagVm);
  out_.load_state16(R11, state_.flags());
  out_.move32(R15, R11);
  out_.shift_right32(R11, 8);
  out_.and32(R15, 1);
  out_.and32(R11, 0xd5);
  out_.shift_left32(R15, kOverflowShift);
  out_.or32(R11, R15);
  out_.load_state(R15, state_.system_flags());
  out_.and32(R15, ~kHidden);
  out_.or32(R11, R15);
  out_.store_state(state_.target(), R11);
  push_kept(piece);
}

// --- System state

void BlockWriter::swap_gs() {
  out_.load_state(R11, state_.segment_base(Gs));
  out_.load_state(R15, state_.kernel_gs_base());
  out_.store_state(state_.kernel_gs_base(), R11);
  out_.store_state(state_.segment_base(Gs), R15);
  out_.store_state(state_.segment_register_base(Gs), R15);
}

void BlockWriter::clear_interrupts(Piece const& piece) {
  give_up_host_flags(piece.live_in);
  out_.and_state(state_.system_flags(), ~static_cast<std::int32_t>(kFlagIf));
}

void BlockWriter::set_interrupts(Piece const& piece) {
  // An interrupt that waits comes after the next instruction: the vCPU's loop knows how.
  give_up_host_flags(piece.live_in);
  auto const site = add_site({.kind = SiteKind::StepOut, .offset = piece.start()});
  sites_[site].op = static_cast<std::uint32_t>(ops_.size());
  ops_.push_back(piece.op);
  auto const leave_unless_zero = [&] {
    out_.jump_if(Condition::NotEqual, out_.here());
    tails_.push_back(
        {.kind = Tail::Kind::Leave, .jump_end = out_.size(), .go_to = gate_.leave, .site = site});
  };
  out_.compare_state8(state_.interrupt_deferred(), 0);
  leave_unless_zero();
  out_.compare_state32(state_.attention(), 0);
  leave_unless_zero();
  out_.or_state(state_.system_flags(), static_cast<std::int32_t>(kFlagIf));
}

void BlockWriter::leave_frame(Piece const& piece) {
  give_up_host_flags(piece.live_in);
  auto const go_on = out_.here();
  out_.move(R11, Rbp);
  probe(piece, go_on, 8, Access::Read);
  out_.load_address(Rsp, Rbp, 8);
  out_.load_sum(Rbp, R15, R11);
}

void BlockWriter::push_return_address(Piece const& piece) {
  auto const go_on = out_.here();
  out_.load_address(R11, Rsp, -8);
  probe(piece, go_on, 8, Access::Write);
  out_.add(R15, R11);
  out_.load_state(R11, state_.rip_page());
  out_.load_address(R11, R11, piece.end());
  out_.store(R15, 0, R11);
  out_.load_address(Rsp, Rsp, -8);
}

}  // namespace bh::vmm::soft
