#pragma once

#include "vmm/soft/translate/assembler.h"
#include "vmm/soft/translate/encoding.h"

namespace bh::vmm::soft {

/// LEA of the instruction's memory operand, without its segment, into `to`. The operand is not
/// relative to RIP and has 64-bit addressing.
void copy_address(Assembler& out, Encoding const& code, Gpr to);

/// The instruction with another memory operand: [base], or [base + index]. Base and index are
/// among R8 to R11, R14 and R15; the instruction has ModRM and names none of AH, CH, DH and BH.
void copy_with_operand(Assembler& out, Encoding const& code, Gpr base);
void copy_with_operand(Assembler& out, Encoding const& code, Gpr base, Gpr index);

}  // namespace bh::vmm::soft
