#pragma once

#include "vmm/soft/decode/op.h"

namespace bh::vmm::soft {

/// Handlers of unprivileged instructions. What each does is the SDM's description of the mnemonic.

// Instructions the host executes: see native/. The memory form serves loads, stores and both.
Flow native_registers(Cpu& cpu, Op const& op);
Flow native_memory(Cpu& cpu, Op const& op);
Flow native_bit_string(Cpu& cpu, Op const& op);  // BT, BTS, BTR, BTC with memory and a register
/// From such an instruction's operand to the word its bit is in, in bytes.
std::int64_t bit_string_distance(Cpu const& cpu, Op const& op);

// Moves.
Flow move_register(Cpu& cpu, Op const& op);
Flow move_load(Cpu& cpu, Op const& op);
Flow move_store(Cpu& cpu, Op const& op);
Flow move_immediate(Cpu& cpu, Op const& op);
Flow move_store_immediate(Cpu& cpu, Op const& op);
Flow lea(Cpu& cpu, Op const& op);
Flow xlat(Cpu& cpu, Op const& op);
Flow no_operation(Cpu& cpu, Op const& op);
Flow invalid_opcode(Cpu& cpu, Op const& op);
Flow instruction_too_long(Cpu& cpu, Op const& op);

// Vector instructions that are not run natively.
Flow zero_upper(Cpu& cpu, Op const& op);  // VZEROUPPER
Flow zero_all(Cpu& cpu, Op const& op);    // VZEROALL
Flow mask_move(Cpu& cpu, Op const& op);   // MASKMOVQ, MASKMOVDQU
// VMASKMOVPS and VPMASKMOVD, VMASKMOVPD and VPMASKMOVQ: loads and stores.
Flow mask_move_dwords(Cpu& cpu, Op const& op);
Flow mask_move_qwords(Cpu& cpu, Op const& op);
Flow gather(Cpu& cpu, Op const& op);

// Stack.
Flow push_operand(Cpu& cpu, Op const& op);
Flow pop_operand(Cpu& cpu, Op const& op);
Flow enter(Cpu& cpu, Op const& op);
Flow leave(Cpu& cpu, Op const& op);

// Near branches.
Flow jump_relative(Cpu& cpu, Op const& op);
Flow jump_indirect(Cpu& cpu, Op const& op);
Flow call_relative(Cpu& cpu, Op const& op);
Flow call_indirect(Cpu& cpu, Op const& op);
Flow ret_near(Cpu& cpu, Op const& op);
Flow jump_conditional(Cpu& cpu, Op const& op);
Flow loop(Cpu& cpu, Op const& op);          // LOOP, LOOPE, LOOPNE: Op::condition 2, 1, 0
Flow jump_if_zero(Cpu& cpu, Op const& op);  // JCXZ, JECXZ, JRCXZ

// Strings, each with and without repeat prefix.
Flow move_string(Cpu& cpu, Op const& op);
Flow store_string(Cpu& cpu, Op const& op);
Flow load_string(Cpu& cpu, Op const& op);
Flow compare_string(Cpu& cpu, Op const& op);
Flow scan_string(Cpu& cpu, Op const& op);

}  // namespace bh::vmm::soft
