#include "vmm/soft/step/registers.h"
#include "vmm/soft/system/handlers.h"
#include "vmm/soft/system/stack_frame.h"

namespace bh::vmm::soft {

Flow pusha(Cpu& cpu, Op const& op) {
  StackTop top = current_stack(cpu);
  StackFrame frame(op.operand_size);
  // RSP as it was before the first push.
  for (auto const reg : {Rax, Rcx, Rdx, Rbx, Rsp, Rbp, Rsi, Rdi}) frame.push(cpu.gpr[reg]);
  if (auto const flow = frame.write(cpu, top); flow != Flow::Next) return flow;
  set_stack_pointer(cpu, top, top.pointer);
  return finish(cpu, op);
}

Flow popa(Cpu& cpu, Op const& op) {
  StackReader stack(cpu, op.operand_size);
  std::array<std::uint64_t, 8> words{};
  for (auto& word : words) {
    if (auto const flow = stack.pop(word); flow != Flow::Next) return flow;
  }
  for (unsigned i = 0; i < words.size(); ++i) {
    auto const reg = static_cast<std::uint8_t>(Rdi - i);
    if (reg != Rsp) write_gpr(cpu, reg, op.operand_size, words[i]);
  }
  set_stack_pointer(cpu, stack.top(), stack.pointer());
  return Flow::Next;
}

}  // namespace bh::vmm::soft
