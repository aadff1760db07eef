#include "vmm/soft/translate/block_writer.h"

namespace bh::vmm::soft {

// A string that goes forward and ends in the page it begins in is done by the host's own string
// instruction, with the host's addresses; all others are stepped, a page at a time.

namespace {

unsigned shift_of(unsigned size) {
  return size == 8 ? 3 : size == 4 ? 2 : size == 2 ? 1 : 0;
}

}  // namespace

void BlockWriter::reach_string(Piece const& piece, Gpr pointer, bool writes, CodeOffset start,
                               std::uint32_t stepped) {
  unsigned const size = piece.op.operand_size;
  auto const operand = Operand::implied(piece, pointer, 0, size, writes);
  address(operand);
  probe(operand, start);
  // R11 is the offset in the page, R15 where the page is.
  out_.add(R15, R11);
  out_.load_address_scaled(R11, R11, Rcx, shift_of(size));
  out_.compare(R11, static_cast<std::uint32_t>(kPageSize));
  leave_if(Condition::Above, stepped);
}

void BlockWriter::fill_string(Piece const& piece) {
  give_up_host_flags(piece.live_in);
  scratch_.free();
  wide_noted_ = false;
  auto const stepped = add_step(piece, SiteKind::Step);
  auto const start = out_.offset();
  out_.test_state32(state_.system_flags(), kFlagDf);
  leave_if(Condition::NotEqual, stepped);
  out_.compare(Rcx, static_cast<std::uint32_t>(kPageSize));
  leave_if(Condition::Above, stepped);
  reach_string(piece, Rdi, true, start, stepped);
  out_.move(R11, Rdi);
  out_.move(Rdi, R15);
  out_.subtract(R15, R11);
  out_.bytes(piece.encoding.all());
  out_.subtract(Rdi, R15);
  sites_[stepped].go_on = out_.offset();
}

void BlockWriter::copy_string(Piece const& piece) {
  give_up_host_flags(piece.live_in);
  scratch_.free();
  wide_noted_ = false;
  auto const stepped = add_step(piece, SiteKind::Step);
  auto const start = out_.offset();
  out_.test_state32(state_.system_flags(), kFlagDf);
  leave_if(Condition::NotEqual, stepped);
  out_.compare(Rcx, static_cast<std::uint32_t>(kPageSize));
  leave_if(Condition::Above, stepped);
  reach_string(piece, Rsi, false, start, stepped);
  out_.store_state(state_.target(), R15);
  // A miss comes back here: from the start each page could drive the other out of the TLB for ever.
  reach_string(piece, Rdi, true, out_.offset(), stepped);
  out_.move(R11, Rdi);
  out_.move(Rdi, R15);
  out_.subtract(R15, R11);
  out_.move(R11, Rsi);
  out_.load_state(Rsi, state_.target());
  out_.subtract(R11, Rsi);
  out_.bytes(piece.encoding.all());
  out_.subtract(Rdi, R15);
  out_.add(Rsi, R11);
  sites_[stepped].go_on = out_.offset();
}

}  // namespace bh::vmm::soft
