#include "vmm/soft/translate/block_writer.h"
#include "vmm/soft/translate/instruction_copy.h"

namespace bh::vmm::soft {

// The host adds the same distance for the bit's number to the pointer it is given as the guest
// does: it is given one that is so much lower than the word where the bit is.
void BlockWriter::bit_string(Piece const& piece) {
  bool const wide = piece.op.operand_size == 8;
  unsigned const bits = wide ? 6 : 5;
  unsigned const bytes = wide ? 3 : 2;
  auto const number = static_cast<Gpr>(piece.op.reg[1]);
  auto operand = Operand::explicit_of(piece);
  operand.size = piece.op.operand_size;
  auto const load_word = [&](Gpr to) {
    if (wide) {
      out_.move(to, number);
    } else {
      out_.move_signed32(to, number);
    }
    out_.shift_right_signed(to, bits);
  };

  give_up_host_flags(piece.live_in);
  scratch_.free();
  wide_noted_ = false;
  auto const start = out_.offset();
  load_scratch(operand.scratch_registers());
  address(operand);
  load_word(R15);
  out_.load_address_scaled(R11, R11, R15, bytes);
  probe(operand, start);
  out_.add(R15, R11);
  load_word(R11);
  out_.shift_left(R11, bytes);
  out_.subtract(R15, R11);
  if (wants_host_flags(piece) && flags_ == Flags::Saved) bring_flags_to_host(R11);
  copy_with_operand(out_, piece.encoding, R15);
  flags_ = Flags::Host;
}

}  // namespace bh::vmm::soft
