#pragma once

#include <cstdint>

#include "vmm/soft/mmu/access.h"
#include "vmm/soft/step/registers.h"

namespace bh::vmm::soft {

/// Bytes of the stack pointer in use: 8 in 64-bit code, else what SS says.
inline unsigned stack_pointer_size(Cpu const& cpu) {
  if (cpu.code_size == CodeSize::Bits64) return 8;
  return cpu.segments[Ss].db != 0 ? 4 : 2;
}

/// Loads or stores a value of run-time size; `out` is zero-extended.
inline Flow load_sized(Cpu& cpu, std::uint64_t linear, unsigned size, std::uint64_t& out) {
  switch (size) {
    case 8: return load(cpu, linear, out);
    case 4: {
      std::uint32_t value = 0;
      auto const flow = load(cpu, linear, value);
      out = value;
      return flow;
    }
    case 2: {
      std::uint16_t value = 0;
      auto const flow = load(cpu, linear, value);
      out = value;
      return flow;
    }
    default: {
      std::uint8_t value = 0;
      auto const flow = load(cpu, linear, value);
      out = value;
      return flow;
    }
  }
}
inline Flow store_sized(Cpu& cpu, std::uint64_t linear, unsigned size, std::uint64_t value) {
  switch (size) {
    case 8: return store(cpu, linear, value);
    case 4: return store(cpu, linear, static_cast<std::uint32_t>(value));
    case 2: return store(cpu, linear, static_cast<std::uint16_t>(value));
    default: return store(cpu, linear, static_cast<std::uint8_t>(value));
  }
}

inline std::uint64_t stack_linear(Cpu const& cpu, std::uint64_t stack_pointer) {
  if (cpu.code_size == CodeSize::Bits64) return stack_pointer;
  return static_cast<std::uint32_t>(stack_pointer + cpu.segment_base[Ss]);
}

/// A page fault on a stack push of a non-canonical address is #SS, not #GP.
Flow stack_fault(Cpu& cpu, Flow flow);

/// Pushes `size` bytes; RSP changes only when the store succeeded.
inline Flow push(Cpu& cpu, std::uint64_t value, unsigned size) {
  unsigned const width = stack_pointer_size(cpu);
  std::uint64_t const pointer = cut(cpu.gpr[Rsp] - size, width);
  if (auto const flow = store_sized(cpu, stack_linear(cpu, pointer), size, value);
      flow != Flow::Next) [[unlikely]] {
    return stack_fault(cpu, flow);
  }
  write_gpr(cpu, Rsp, width, pointer);
  return Flow::Next;
}

/// Reads the top of the stack without moving RSP.
inline Flow peek(Cpu& cpu, std::uint64_t& out, unsigned size) {
  std::uint64_t const pointer = cut(cpu.gpr[Rsp], stack_pointer_size(cpu));
  auto const flow = load_sized(cpu, stack_linear(cpu, pointer), size, out);
  return flow == Flow::Next ? flow : stack_fault(cpu, flow);
}

/// Moves RSP up (or down) by `bytes`.
inline void adjust_stack(Cpu& cpu, std::int64_t bytes) {
  unsigned const width = stack_pointer_size(cpu);
  write_gpr(cpu, Rsp, width, cut(cpu.gpr[Rsp] + static_cast<std::uint64_t>(bytes), width));
}

}  // namespace bh::vmm::soft
