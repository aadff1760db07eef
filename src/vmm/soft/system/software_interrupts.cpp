#include "vmm/soft/step/registers.h"
#include "vmm/soft/step/stack.h"
#include "vmm/soft/system/deliver.h"
#include "vmm/soft/system/gate.h"
#include "vmm/soft/system/handlers.h"

namespace bh::vmm::soft {

Flow int_n(Cpu& cpu, Op const& op) {
  return software_interrupt(cpu, static_cast<std::uint8_t>(op.immediate), cpu.next_rip(op));
}

Flow int3(Cpu& cpu, Op const& op) {
  return software_interrupt(cpu, kBreakpoint, cpu.next_rip(op));
}

Flow int1(Cpu& cpu, Op const& op) {
  // Counts as a hardware event: the gate's DPL is not checked (SDM vol. 2, INT1).
  auto const flow = enter_gate(cpu, {.vector = kDebug, .return_rip = cpu.next_rip(op)});
  return flow == Flow::Next ? Flow::Leave : flow;
}

Flow into(Cpu& cpu, Op const& op) {
  if (!cpu.arithmetic.of()) return Flow::Next;
  return software_interrupt(cpu, kOverflow, cpu.next_rip(op));
}

Flow bound(Cpu& cpu, Op const& op) {
  unsigned const size = op.operand_size;
  std::uint64_t const linear = effective_address(cpu, op);
  std::uint64_t lower = 0;
  std::uint64_t upper = 0;
  if (auto const flow = load_sized(cpu, linear, size, lower); flow != Flow::Next) return flow;
  if (auto const flow = load_sized(cpu, linear + size, size, upper); flow != Flow::Next)
    return flow;
  auto const as_signed = [size](std::uint64_t value) -> std::int32_t {
    return size == 2 ? static_cast<std::int16_t>(value) : static_cast<std::int32_t>(value);
  };
  std::int32_t const index = as_signed(read_gpr(cpu, op.reg[0], size));
  if (index < as_signed(lower) || index > as_signed(upper)) return cpu.raise(kBoundRange);
  return Flow::Next;
}

Flow undefined(Cpu& cpu, Op const& /*op*/) {
  return cpu.raise(kInvalidOpcode);
}

}  // namespace bh::vmm::soft
