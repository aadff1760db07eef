#include "vmm/soft/decode/op.h"
#include "vmm/soft/step/registers.h"
#include "vmm/soft/system/handlers.h"
#include "vmm/soft/system/port_access.h"

namespace bh::vmm::soft {

namespace {

Flow in(Cpu& cpu, Op const& op, std::uint16_t port) {
  if (auto const flow = check_port(cpu, port, op.operand_size); flow != Flow::Next) return flow;
  std::uint32_t value = 0;
  if (auto const flow = read_port(cpu, port, op.operand_size, value); flow != Flow::Next)
    return flow;
  write_gpr(cpu, Rax, op.operand_size, value);
  return Flow::Next;
}

Flow out(Cpu& cpu, Op const& op, std::uint16_t port) {
  if (auto const flow = check_port(cpu, port, op.operand_size); flow != Flow::Next) return flow;
  return write_port(cpu, port, op.operand_size, static_cast<std::uint32_t>(cpu.gpr[Rax]));
}

std::uint16_t immediate_port(Op const& op) {
  return static_cast<std::uint8_t>(op.immediate);
}
std::uint16_t dx(Cpu const& cpu) {
  return static_cast<std::uint16_t>(cpu.gpr[Rdx]);
}

}  // namespace

Flow in_immediate(Cpu& cpu, Op const& op) {
  return in(cpu, op, immediate_port(op));
}
Flow in_dx(Cpu& cpu, Op const& op) {
  return in(cpu, op, dx(cpu));
}
Flow out_immediate(Cpu& cpu, Op const& op) {
  return out(cpu, op, immediate_port(op));
}
Flow out_dx(Cpu& cpu, Op const& op) {
  return out(cpu, op, dx(cpu));
}

}  // namespace bh::vmm::soft
