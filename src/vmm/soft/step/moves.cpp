
#include "vmm/soft/step/handlers.h"
#include "vmm/soft/step/stack.h"
#include "vmm/soft/system/handlers.h"

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

Flow mask_move(Cpu& cpu, Op const& op) {
  if (auto const flow = check_fpu(cpu, op); flow != Flow::Next) return flow;
  bool const mmx = op.fpu == FpuUse::Mmx;
  std::size_t const size = mmx ? 8 : 16;
  // MMX registers are the mantissas of the x87 stack, 16 bytes apart (SDM vol. 1, 10.5.1).
  constexpr std::size_t kMmxStart = 32;
  auto const bytes_of = [&](std::uint8_t reg) {
    return mmx ? std::span(cpu.fxsave).subspan(kMmxStart + reg * 16u, size)
               : std::span(cpu.ymm[reg]).first(size);
  };
  auto const data = bytes_of(op.reg[0]);
  auto const mask = bytes_of(op.reg[1]);
  std::uint64_t const base = cut(cpu.gpr[Rdi], op.address_size) + cpu.segment_base[op.segment];
  auto const selected = [&](std::size_t i) {
    return (std::to_integer<unsigned>(mask[i]) & 0x80) != 0;
  };
  for (std::size_t i = 0; i < size; ++i) {
    if (!selected(i)) continue;
    if (auto const flow = probe_write(cpu, base + i, 1, current_privilege(cpu));
        flow != Flow::Next) {
      return flow;
    }
  }
  for (std::size_t i = 0; i < size; ++i) {
    if (!selected(i)) continue;
    if (auto const flow = store(cpu, base + i, data[i]); flow != Flow::Next) return flow;
  }
  return finish(cpu, op);
}

Flow no_operation(Cpu& /*cpu*/, Op const& /*op*/) {
  return Flow::Next;
}

Flow invalid_opcode(Cpu& cpu, Op const& /*op*/) {
  return cpu.raise(kInvalidOpcode);
}

}  // namespace bh::vmm::soft
