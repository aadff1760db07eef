#include "vmm/soft/system/far_target.h"

#include <algorithm>

#include "vmm/soft/mmu/walk.h"
#include "vmm/soft/step/registers.h"
#include "vmm/soft/step/stack.h"
#include "vmm/soft/system/descriptor_table.h"
#include "vmm/soft/system/segment_register.h"

namespace bh::vmm::soft {

namespace {

bool is_long_code(Cpu const& cpu, Descriptor const& code) {
  return cpu.long_mode() && code.is_long();
}

}  // namespace

Flow load_far_pointer(Cpu& cpu, Op const& op, FarPointer& out) {
  std::uint64_t const linear = effective_address(cpu, op);
  if (auto const flow = load_sized(cpu, linear, op.operand_size, out.offset); flow != Flow::Next) {
    return flow;
  }
  std::uint64_t const selector_at = linear + op.operand_size;
  return load(
      cpu,
      cpu.code_size == CodeSize::Bits64 ? selector_at : static_cast<std::uint32_t>(selector_at),
      out.selector);
}

void CodeTarget::enter(Cpu& cpu) const {
  set_code_segment(cpu, segment, cpl);
  cpu.rip = rip;
}

Flow check_code_offset(Cpu& cpu, Descriptor const& code, std::uint64_t rip) {
  bool const inside = is_long_code(cpu, code) ? is_canonical(rip) : rip <= code.limit();
  return inside ? Flow::Next : cpu.raise(kGeneralProtection, 0);
}

Flow read_code_target(Cpu& cpu, std::uint16_t selector, Descriptor const& code, std::uint8_t rpl,
                      Inward inward, std::uint64_t rip, CodeTarget& out) {
  std::uint32_t const error = selector_error(selector);
  bool const both_sizes = is_long_code(cpu, code) && code.is_big();
  if (!code.is_code() || both_sizes || code.dpl() > cpu.cpl) {
    return cpu.raise(kGeneralProtection, error);
  }
  bool const inner = !code.is_conforming() && code.dpl() < cpu.cpl;
  bool const refused = inner && inward == Inward::Refused;
  if (refused || (!code.is_conforming() && rpl > cpu.cpl)) {
    return cpu.raise(kGeneralProtection, error);
  }
  if (!code.present()) return cpu.raise(kSegmentNotPresent, error);
  if (auto const flow = check_code_offset(cpu, code, rip); flow != Flow::Next) return flow;
  Descriptor marked = code;
  if (auto const flow = mark_descriptor(cpu, selector, marked, kTypeAccessed); flow != Flow::Next) {
    return flow;
  }
  out.cpl = inner ? code.dpl() : cpu.cpl;
  out.segment = marked.segment(static_cast<std::uint16_t>(error | out.cpl));
  out.rip = rip;
  return Flow::Next;
}

Flow read_call_gate(Cpu& cpu, std::uint16_t selector, Descriptor const& gate, Inward inward,
                    CallGate& out) {
  std::uint32_t const error = selector_error(selector);
  bool const wide = cpu.long_mode();
  if (wide && gate.type() != kCallGate) return cpu.raise(kGeneralProtection, error);
  if (gate.dpl() < std::max(cpu.cpl, selector_rpl(selector))) {
    return cpu.raise(kGeneralProtection, error);
  }
  if (!gate.present()) return cpu.raise(kSegmentNotPresent, error);

  std::uint64_t offset = gate.gate_offset();
  if (wide) {
    std::uint64_t upper = 0;
    if (auto const flow = read_descriptor_upper(cpu, selector, upper); flow != Flow::Next)
      return flow;
    if ((upper >> 40 & 0x1f) != 0) return cpu.raise(kGeneralProtection, error);
    offset |= upper << 32;
  }
  out.slot = wide ? 8 : gate.type() == kCallGate ? 4 : 2;
  out.parameters = wide ? 0 : gate.gate_parameters();
  if (out.slot == 2) offset &= 0xffff;

  std::uint16_t const target = gate.gate_selector();
  if (selector_is_null(target)) return cpu.raise(kGeneralProtection, 0);
  Descriptor code;
  if (auto const flow = read_descriptor(cpu, target, code); flow != Flow::Next) return flow;
  if (wide && (!code.is_long() || code.is_big())) {
    return cpu.raise(kGeneralProtection, selector_error(target));
  }
  return read_code_target(cpu, target, code, 0, inward, offset, out.target);
}

Flow read_return_code(Cpu& cpu, std::uint16_t selector, std::uint64_t rip, CodeTarget& out) {
  std::uint32_t const error = selector_error(selector);
  std::uint8_t const cpl = selector_rpl(selector);
  if (selector_is_null(selector)) return cpu.raise(kGeneralProtection, 0);
  Descriptor code;
  if (auto const flow = read_descriptor(cpu, selector, code); flow != Flow::Next) return flow;
  bool const level_fits = code.is_conforming() ? code.dpl() <= cpl : code.dpl() == cpl;
  bool const both_sizes = is_long_code(cpu, code) && code.is_big();
  if (!code.is_code() || cpl < cpu.cpl || !level_fits || both_sizes) {
    return cpu.raise(kGeneralProtection, error);
  }
  if (!code.present()) return cpu.raise(kSegmentNotPresent, error);
  if (auto const flow = check_code_offset(cpu, code, rip); flow != Flow::Next) return flow;
  if (auto const flow = mark_descriptor(cpu, selector, code, kTypeAccessed); flow != Flow::Next) {
    return flow;
  }
  out = {.segment = code.segment(selector), .cpl = cpl, .rip = rip};
  return Flow::Next;
}

Flow read_return_stack(Cpu& cpu, std::uint16_t selector, CodeTarget const& code, Segment& out) {
  bool const to_long = cpu.long_mode() && code.segment.l != 0;
  if (selector_is_null(selector)) {
    if (!to_long || code.cpl == 3 || selector_rpl(selector) != code.cpl) {
      return cpu.raise(kGeneralProtection, 0);
    }
    out = null_segment(selector, code.cpl);
    return Flow::Next;
  }
  return read_stack_segment(cpu, selector, code.cpl, kGeneralProtection, 0, out);
}

void enter_outer(Cpu& cpu, CodeTarget const& code, Segment const& stack, std::uint64_t pointer) {
  bool const outward = code.cpl != cpu.cpl;
  code.enter(cpu);
  set_segment(cpu, Ss, stack);
  write_gpr(cpu, Rsp, stack_pointer_size(cpu), pointer);
  if (outward) drop_inner_segments(cpu);
}

}  // namespace bh::vmm::soft
