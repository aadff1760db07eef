#pragma once

#include "vmm/soft/decode/instruction.h"
#include "vmm/soft/decode/op.h"

namespace bh::vmm::soft {

/// How an instruction is run.
struct Treatment {
  Handler handler = nullptr;
  bool native = false;      // The handler wants Op::stub.
  bool ends_block = false;  // The handler always, or nearly always, leaves the block.
};

/// Picks the treatment of a decoded instruction: one row of the table in treatment.cpp, or native
/// execution for whatever belongs to an instruction set we offer. Everything else is #UD.
Treatment treatment_of(Instruction const& instruction);

}  // namespace bh::vmm::soft
