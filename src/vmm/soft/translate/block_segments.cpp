#include "vmm/soft/system/handlers.h"
#include "vmm/soft/translate/block_writer.h"

namespace bh::vmm::soft {

void BlockWriter::read_segment(Piece const& piece) {
  auto const to = static_cast<Gpr>(piece.op.reg[0]);
  auto const selector = state_.segment_selector(piece.op.reg[1]);
  if (piece.op.operand_size == 2) {
    out_.load_state_low16(to, selector);
  } else {
    out_.load_state16(to, selector);
  }
  scratch_.registers_changed(piece.registers_written, std::nullopt);
}

void BlockWriter::read_base(Piece const& piece) {
  give_up_host_flags(piece.live_in);
  scratch_.free();
  auto const stepped = add_step(piece, SiteKind::Step);
  out_.test_state32(state_.cr4(), kCr4Fsgsbase);
  leave_if(Condition::Equal, stepped);
  out_.load_state(static_cast<Gpr>(piece.op.reg[0]),
                  state_.segment_base(piece.op.handler == rdfsbase ? Fs : Gs));
  sites_[stepped].go_on = out_.offset();
  wide_noted_ = false;
}

void BlockWriter::write_base(Piece const& piece) {
  auto const from = static_cast<Gpr>(piece.op.reg[0]);
  auto const segment = piece.op.handler == wrfsbase ? Fs : Gs;
  give_up_host_flags(piece.live_in);
  scratch_.free();
  auto const stepped = add_step(piece, SiteKind::Step);
  out_.test_state32(state_.cr4(), kCr4Fsgsbase);
  leave_if(Condition::Equal, stepped);
  leave_unless_canonical(from, stepped);
  out_.store_state(state_.segment_base(segment), from);
  out_.store_state(state_.segment_register_base(segment), from);
  sites_[stepped].go_on = out_.offset();
  wide_noted_ = false;
}

}  // namespace bh::vmm::soft
