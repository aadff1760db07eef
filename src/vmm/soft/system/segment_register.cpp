#include "vmm/soft/system/segment_register.h"

#include <algorithm>

#include "vmm/soft/system/descriptor_table.h"

namespace bh::vmm::soft {

namespace {

Flow load_data_segment(Cpu& cpu, SegmentIndex index, std::uint16_t selector) {
  if (selector_is_null(selector)) {
    set_segment(cpu, index, null_segment(selector));
    return Flow::Next;
  }
  Descriptor descriptor;
  if (auto const flow = read_descriptor(cpu, selector, descriptor); flow != Flow::Next) return flow;
  bool const privileged = descriptor.is_data() || !descriptor.is_conforming();
  std::uint8_t const level = std::max(selector_rpl(selector), cpu.cpl);
  if (!descriptor.is_readable() || (privileged && level > descriptor.dpl())) {
    return cpu.raise(kGeneralProtection, selector_error(selector));
  }
  if (!descriptor.present()) return cpu.raise(kSegmentNotPresent, selector_error(selector));
  if (auto const flow = mark_descriptor(cpu, selector, descriptor, kTypeAccessed);
      flow != Flow::Next) {
    return flow;
  }
  set_segment(cpu, index, descriptor.segment(selector));
  return Flow::Next;
}

Flow load_stack_segment(Cpu& cpu, std::uint16_t selector) {
  if (selector_is_null(selector)) {
    bool const allowed =
        cpu.code_size == CodeSize::Bits64 && cpu.cpl != 3 && selector_rpl(selector) == cpu.cpl;
    if (!allowed) return cpu.raise(kGeneralProtection, 0);
    set_segment(cpu, Ss, null_segment(selector, cpu.cpl));
    return Flow::Next;
  }
  Segment segment;
  if (auto const flow = read_stack_segment(cpu, selector, cpu.cpl, kGeneralProtection, 0, segment);
      flow != Flow::Next) {
    return flow;
  }
  set_segment(cpu, Ss, segment);
  return Flow::Next;
}

}  // namespace

void load_real_segment(Cpu& cpu, SegmentIndex index, std::uint16_t selector) {
  Segment segment = cpu.segments[index];
  if (segment.unusable != 0)
    segment = {.limit = 0xffff, .type = kTypeWritable, .present = 1, .s = 1};
  segment.selector = selector;
  segment.base = static_cast<std::uint32_t>(selector) << 4;
  set_segment(cpu, index, segment);
}

Flow load_segment_register(Cpu& cpu, SegmentIndex index, std::uint16_t selector) {
  if (!cpu.protected_mode()) {
    load_real_segment(cpu, index, selector);
    return Flow::Next;
  }
  return index == Ss ? load_stack_segment(cpu, selector) : load_data_segment(cpu, index, selector);
}

Flow read_stack_segment(Cpu& cpu, std::uint16_t selector, std::uint8_t cpl, std::uint8_t vector,
                        std::uint32_t external, Segment& out) {
  std::uint32_t const error = selector_error(selector) | external;
  if (selector_is_null(selector)) return cpu.raise(vector, external);
  Descriptor descriptor;
  if (auto const flow = read_descriptor(cpu, selector, descriptor, vector, external);
      flow != Flow::Next) {
    return flow;
  }
  if (selector_rpl(selector) != cpl || descriptor.dpl() != cpl || !descriptor.is_writable_data()) {
    return cpu.raise(vector, error);
  }
  if (!descriptor.present()) return cpu.raise(kStackFault, error);
  if (auto const flow = mark_descriptor(cpu, selector, descriptor, kTypeAccessed);
      flow != Flow::Next) {
    return flow;
  }
  out = descriptor.segment(selector);
  return Flow::Next;
}

void drop_inner_segments(Cpu& cpu) {
  for (auto const index : {Es, Ds, Fs, Gs}) {
    Segment const& segment = cpu.segments[index];
    if (segment.unusable != 0) continue;
    bool const conforming_code =
        (segment.type & (kTypeCode | kTypeConforming)) == (kTypeCode | kTypeConforming);
    if (!conforming_code && segment.dpl < cpu.cpl) set_segment(cpu, index, null_segment(0));
  }
}

}  // namespace bh::vmm::soft
