
#include "vmm/soft/step/handlers.h"
#include "vmm/soft/step/stack.h"

namespace bh::vmm::soft {

Flow move_register(Cpu& cpu, Op const& op) {
  write_gpr(cpu, op.reg[0], op.operand_size, read_gpr(cpu, op.reg[1], op.operand_size));
  return Flow::Next;
}

Flow move_load(Cpu& cpu, Op const& op) {
  std::uint64_t value = 0;
  if (auto const flow = load_sized(cpu, effective_address(cpu, op), op.operand_size, value);
      flow != Flow::Next) [[unlikely]] {
    return flow;
  }
  write_gpr(cpu, op.reg[0], op.operand_size, value);
  return Flow::Next;
}

Flow move_store(Cpu& cpu, Op const& op) {
  if (auto const flow = store_sized(cpu, effective_address(cpu, op), op.operand_size,
                                    read_gpr(cpu, op.reg[1], op.operand_size));
      flow != Flow::Next) [[unlikely]] {
    return flow;
  }
  return finish(cpu, op);
}

Flow move_immediate(Cpu& cpu, Op const& op) {
  write_gpr(cpu, op.reg[0], op.operand_size, static_cast<std::uint64_t>(op.immediate));
  return Flow::Next;
}

Flow move_store_immediate(Cpu& cpu, Op const& op) {
  if (auto const flow = store_sized(cpu, effective_address(cpu, op), op.operand_size,
                                    static_cast<std::uint64_t>(op.immediate));
      flow != Flow::Next) [[unlikely]] {
    return flow;
  }
  return finish(cpu, op);
}

Flow lea(Cpu& cpu, Op const& op) {
  write_gpr(cpu, op.reg[0], op.operand_size, effective_offset(cpu, op));
  return Flow::Next;
}

Flow xlat(Cpu& cpu, Op const& op) {
  std::uint64_t const offset =
      cut(cpu.gpr[Rbx] + (cpu.gpr[Rax] & 0xff), op.address_size) + cpu.segment_base[op.segment];
  std::uint64_t const linear =
      cpu.code_size == CodeSize::Bits64 ? offset : static_cast<std::uint32_t>(offset);
  std::uint8_t value = 0;
  if (auto const flow = load(cpu, linear, value); flow != Flow::Next) return flow;
  write_gpr(cpu, Rax, 1, value);
  return Flow::Next;
}

Flow no_operation(Cpu& /*cpu*/, Op const& /*op*/) {
  return Flow::Next;
}

Flow invalid_opcode(Cpu& cpu, Op const& /*op*/) {
  return cpu.raise(kInvalidOpcode);
}

Flow instruction_too_long(Cpu& cpu, Op const& /*op*/) {
  return cpu.raise(kGeneralProtection, 0);
}

}  // namespace bh::vmm::soft
