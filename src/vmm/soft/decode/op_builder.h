#pragma once

#include "vmm/soft/decode/instruction.h"
#include "vmm/soft/decode/op.h"

namespace bh::vmm::soft {

/// Fills everything of an Op but handler and stub. `start` is the instruction's offset in its
/// block.
Op build_op(Instruction const& instruction, std::uint16_t start);

}  // namespace bh::vmm::soft
