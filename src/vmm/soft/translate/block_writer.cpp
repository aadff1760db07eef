#include "vmm/soft/translate/block_writer.h"

#include <algorithm>

#include "vmm/soft/translate/instruction_copy.h"

namespace bh::vmm::soft {

namespace {

FpuLoad fpu_state(std::span<Piece const> pieces) {
  FpuLoad state;
  for (auto const& piece : pieces) {
    state.vectors = state.vectors || piece.vectors;
    state.x87 = state.x87 || piece.x87;
  }
  return state;
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
    for (auto const& piece : rest.first(done)) {
      for (unsigned reg = 0; reg < slots_.size(); ++reg) {
        if ((piece.registers_written >> reg & 1) != 0) slots_[reg] = kNoSlot;
      }
    }
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
  entries.external = out_.offset();
  out_.load_address(R15, R11, -static_cast<std::int32_t>(pieces.front().start()));
  out_.store_state(state_.rip_page(), R15);
  auto const first = first_use(pieces);
  entries.flags_dead = first == FirstUse::None;
  entries.wants_host_flags = first == FirstUse::InHost;
  switch (first) {
    case FirstUse::None:
      entries.saved = entries.host = out_.offset();
      flags_ = Flags::Nowhere;
      break;
    case FirstUse::InHost:
      entries.saved = out_.offset();
      out_.restore_flags(state_.flags(), R11);
      entries.host = out_.offset();
      flags_ = Flags::Host;
      break;
    case FirstUse::Saved: {
      out_.jump(out_.here());
      auto const over = out_.size();
      entries.host = out_.offset();
      out_.save_flags(state_.flags(), R11);
      out_.land(over);
      entries.saved = out_.offset();
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
    case PieceKind::FillString: fill_string(piece); break;
    case PieceKind::CopyString: copy_string(piece); break;
    case PieceKind::BitString: bit_string(piece); break;
    case PieceKind::ReadSegment: read_segment(piece); break;
    case PieceKind::ReadBase: read_base(piece); break;
    case PieceKind::WriteBase: write_base(piece); break;
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

void BlockWriter::bring_flags_to_host() {
  if (flags_ == Flags::Saved) bring_flags_to_host(scratch_.take_one());
}

void BlockWriter::bring_flags_to_host(Gpr spare) {
  out_.restore_flags(state_.flags(), spare);
  flags_ = Flags::Both;
}

void BlockWriter::give_up_host_flags(FlagSet live) {
  if (flags_ == Flags::Host) {
    if (live != 0) out_.save_flags(state_.flags(), scratch_.take_one());
    flags_ = live != 0 ? Flags::Saved : Flags::Nowhere;
  } else if (flags_ == Flags::Both) {
    flags_ = Flags::Saved;
  }
}

// --- Instructions without memory

void BlockWriter::note_trap(Piece const& piece) {
  if (!piece.may_trap) return;
  traps_.push_back({.host = out_.offset(),
                    .offset = piece.start(),
                    .x87_opcode = piece.op.x87_opcode,
                    .flags_in_host = flags_ == Flags::Host});
}

/// Tells the gate whether upper halves of vectors have to be kept.
void BlockWriter::note_wide(Piece const& piece) {
  if (piece.wide && !wide_noted_) {
    out_.store_state8(state_.uppers(), 1);
    wide_noted_ = true;
  } else if (piece.clears_wide) {
    // Before it: an exception in between changes nothing.
    out_.store_state8(state_.uppers(), 0);
    wide_noted_ = false;
  }
}

/// Nothing else in the block may depend on it: what moves RSP does.
void BlockWriter::note_number(Piece const& piece) {
  auto const& code = piece.encoding;
  if (numbers_ == nullptr || code.immediate_size < 4 || piece.stack_move) return;
  numbers_->push_back({.guest = static_cast<std::uint16_t>(piece.start() + code.immediate),
                       .size = code.immediate_size,
                       .host = out_.offset() + code.immediate});
}

void BlockWriter::copy(Piece const& piece) {
  if (wants_host_flags(piece)) bring_flags_to_host();
  for (auto const reg : {R11, R15}) {
    bool const kept = ((piece.registers_kept | piece.address_registers) >> reg & 1) != 0;
    if (kept || (piece.registers >> reg & 1) != 0) scratch_.want(reg, kept);
  }
  if (piece.may_trap) scratch_.spill();
  note_wide(piece);
  note_trap(piece);
  note_number(piece);
  out_.bytes(piece.encoding.all());
  for (auto const reg : {R11, R15}) {
    if ((piece.registers_written >> reg & 1) != 0) scratch_.wrote(reg);
  }
  scratch_.registers_changed(piece.registers_written, piece.stack_move);
  if (piece.touches_flags) flags_ = Flags::Host;
}

void BlockWriter::load_address(Piece const& piece) {
  auto const to = static_cast<Gpr>(piece.op.reg[0]);
  if (Scratch::is_one(to)) scratch_.want(to, false);
  out_.load_state(to, state_.rip_page());
  auto const displacement = static_cast<std::int32_t>(piece.op.displacement);
  if (piece.op.operand_size == 4) {
    out_.load_address32(to, to, displacement);
  } else {
    out_.load_address(to, to, displacement);
  }
  if (Scratch::is_one(to)) scratch_.wrote(to);
  scratch_.registers_changed(piece.registers_written, std::nullopt);
}

// --- System state

void BlockWriter::push_flags(Piece const& piece) {
  give_up_host_flags(kAllFlags);
  scratch_.free();
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

void BlockWriter::swap_gs() {
  scratch_.free();
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
  give_up_host_flags(kAllFlags);
  scratch_.spill();
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

}  // namespace bh::vmm::soft
