#include "vmm/soft/translate/block_writer.h"

namespace bh::vmm::soft {

namespace {

bool in_page(std::int32_t offset) {
  return offset >= 0 && offset < static_cast<std::int32_t>(kPageSize);
}

}  // namespace

std::uint32_t BlockWriter::add_site(Site const& site) {
  sites_.push_back(site);
  sites_.back().block = block_;
  return static_cast<std::uint32_t>(sites_.size() - 1);
}

/// A jump that is patched when its target is known. `conditional`: on the piece's condition.
void BlockWriter::jump_link(Piece const& piece, std::int32_t target, bool conditional) {
  scratch_.spill();
  FlagsAt const flags = flags_ == Flags::Host   ? FlagsAt::Host
                        : flags_ == Flags::Both ? FlagsAt::Both
                                                : FlagsAt::Saved;
  auto const site = add_site({.kind = SiteKind::Link,
                              .flags = flags,
                              .user = mode_.user,
                              .offset = piece.start(),
                              .target = target});
  if (conditional) {
    out_.jump_if(piece.op.condition, out_.here());
  } else {
    out_.jump(out_.here());
  }
  sites_[site].patch = out_.offset() - 4;
  tails_.push_back({.kind = Tail::Kind::Leave,
                    .jump_end = out_.size(),
                    .go_to = flags == FlagsAt::Host ? gate_.leave_with_flags : gate_.leave,
                    .site = site});
}

void BlockWriter::go_to(Piece const& piece, std::int32_t target) {
  bool const straddles = next_straddles_ && target == piece.end();
  if (in_page(target) && !straddles) return jump_link(piece, target, false);
  give_up_host_flags(kAllFlags);
  scratch_.free();
  out_.load_state(R11, state_.rip_page());
  out_.load_address(R11, R11, target);
  auto const privilege = mode_.user ? Privilege::User : Privilege::Supervisor;
  // By where it is, near ones have different slots.
  constexpr unsigned kClosest = 6;
  auto const slot = (out_.offset() >> kClosest) % RecentJumps::kSlots;
  auto const misses = write_look_up(out_, state_, privilege, slot);
  tails_.push_back({.kind = Tail::Kind::Leave,
                    .jump_end = misses.attention,
                    .go_to = gate_.unknown,
                    .site = Crossing::kNoSite});
  tails_.push_back({.kind = Tail::Kind::LookFurther,
                    .jump_end = misses.unknown,
                    .slot = static_cast<std::uint32_t>(RecentJumps::kHashed + slot)});
}

void BlockWriter::branch(Piece const& piece) {
  bring_flags_to_host();
  scratch_.spill();
  auto const target = piece.end() + static_cast<std::int32_t>(piece.op.immediate);
  if (in_page(target)) return jump_link(piece, target, true);
  out_.jump_if(piece.op.condition, out_.here());
  tails_.push_back(
      {.kind = Tail::Kind::CrossPage, .jump_end = out_.size(), .flags = flags_, .target = target});
}

void BlockWriter::look_up(Piece const& piece, unsigned undo_stack) {
  auto const site =
      add_site({.kind = SiteKind::LookUp, .offset = piece.start(), .undo_stack = undo_stack});
  auto const privilege = mode_.user ? Privilege::User : Privilege::Supervisor;
  auto const misses = write_look_up(out_, state_, privilege);
  out_.land(misses.unknown);
  out_.store_state_number(state_.site(), site);
  out_.jump(gate_.look_further[mode_.user ? 1 : 0]);
  out_.land(misses.attention);
  out_.store_state(state_.target(), R11);
  out_.store_state_number(state_.site(), site);
  out_.jump(gate_.leave);
}

void BlockWriter::call(Piece const& piece) {
  give_up_host_flags(kAllFlags);
  push_return_address(piece);
  go_to(piece, piece.end() + static_cast<std::int32_t>(piece.op.immediate));
}

/// The RIP that an indirect branch goes to, to R11.
void BlockWriter::load_target(Piece const& piece) {
  give_up_host_flags(kAllFlags);
  if (piece.op.has_memory) {
    auto operand = Operand::explicit_of(piece);
    operand.writes = false;
    reach(operand);
    out_.load_sum(R11, R15, R11);
    scratch_.forget_operand();
  } else {
    scratch_.free();
    load_guest(R11, piece.op.reg[0]);
  }
}

void BlockWriter::jump_indirect(Piece const& piece) {
  load_target(piece);
  look_up(piece, 0);
}

void BlockWriter::call_indirect(Piece const& piece) {
  load_target(piece);
  out_.store_state(state_.target(), R11);
  // Where there can be no code nothing may be pushed: the stepping engine raises the exception.
  leave_unless_canonical(R11, add_site({.kind = SiteKind::StepOut, .offset = piece.start()}));
  push_return_address(piece);
  out_.load_state(R11, state_.target());
  look_up(piece, 0);
}

void BlockWriter::return_near(Piece const& piece) {
  give_up_host_flags(kAllFlags);
  reach(Operand::implied(piece, Rsp, 0, 8, false));
  out_.load_sum(R11, R15, R11);
  auto const size = 8 + static_cast<std::uint16_t>(piece.op.immediate);
  out_.load_address(Rsp, Rsp, size);
  look_up(piece, static_cast<unsigned>(size));
}

std::uint32_t BlockWriter::add_step(Piece const& piece, SiteKind kind) {
  auto const site = add_site({.kind = kind, .offset = piece.start(), .next = piece.end()});
  if (piece.op.handler != nullptr) {
    sites_[site].op = static_cast<std::uint32_t>(ops_.size());
    ops_.push_back(piece.op);
  }
  return site;
}

void BlockWriter::leave_if(Condition condition, std::uint32_t site) {
  out_.jump_if(condition, out_.here());
  tails_.push_back(
      {.kind = Tail::Kind::Leave, .jump_end = out_.size(), .go_to = gate_.leave, .site = site});
}

void BlockWriter::leave_unless_canonical(Gpr reg, std::uint32_t site) {
  constexpr unsigned kSignBits = 16;
  out_.move(R15, reg);
  out_.shift_left(R15, kSignBits);
  out_.shift_right_signed(R15, kSignBits);
  out_.compare(R15, reg);
  leave_if(Condition::NotEqual, site);
}

void BlockWriter::step(Piece const& piece, SiteKind kind) {
  give_up_host_flags(kAllFlags);
  scratch_.free();
  auto const site = add_step(piece, kind);
  out_.store_state_number(state_.site(), site);
  out_.jump(gate_.leave);
  sites_[site].go_on = out_.offset();
  flags_ = Flags::Saved;
  wide_noted_ = false;
}

/// The guest's R11 and R15, as far as they are in `registers`.
void BlockWriter::load_scratch(std::uint16_t registers) {
  for (auto const reg : {R11, R15}) {
    if ((registers >> reg & 1) != 0) out_.load_state(reg, state_.gpr(reg));
  }
}

void BlockWriter::tails() {
  auto const user = mode_.user ? 1 : 0;
  for (std::size_t i = 0; i < tails_.size(); ++i) {
    Tail const tail = tails_[i];
    if (tail.kind != Tail::Kind::Retry) out_.land(tail.jump_end);
    switch (tail.kind) {
      case Tail::Kind::Leave:
        if (tail.site != Crossing::kNoSite) {
          if (sites_[tail.site].kind == SiteKind::Link) sites_[tail.site].unlinked = out_.offset();
          out_.store_state_number(state_.site(), tail.site);
        }
        out_.jump(tail.go_to);
        break;
      case Tail::Kind::Load:
        out_.load_code_address(R11, tail.back);
        out_.jump(tail.go_to);
        break;
      case Tail::Kind::Retry:
        sites_[tail.site].go_on = out_.offset();
        load_scratch(tail.registers);
        out_.jump(tail.back);
        break;
      case Tail::Kind::Refill:
        ask_gate(tail.operand, gate_.refill[user][tail.operand.writes ? 1 : 0], tail.site,
                 tail.slot, tail.back);
        break;
      case Tail::Kind::Reach: {
        auto const start = out_.offset();
        load_scratch(tail.operand.scratch_registers());
        address(tail.operand);
        auto const site = add_site({.kind = SiteKind::Miss,
                                    .writes = tail.operand.writes,
                                    .user = mode_.user,
                                    .size = static_cast<std::uint8_t>(tail.operand.size),
                                    .offset = tail.operand.piece->start(),
                                    .go_on = start});
        ask_gate(tail.operand, gate_.search[user][tail.operand.writes ? 1 : 0], site, 0, tail.back);
        break;
      }
      case Tail::Kind::LookFurther:
        out_.store_state32(state_.site(), Crossing::kNoSite);
        out_.move32(R15, tail.slot);
        out_.jump(gate_.look_further[user]);
        break;
      case Tail::Kind::CrossPage:
        if (tail.flags == Flags::Host) out_.save_flags(state_.flags(), R11);
        out_.load_state(R11, state_.rip_page());
        out_.load_address(R11, R11, tail.target);
        out_.jump(gate_.look_up[user]);
        break;
    }
  }
}

}  // namespace bh::vmm::soft
