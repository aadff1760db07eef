#include "vmm/soft/system/descriptor_table.h"

#include "vmm/soft/mmu/access.h"

namespace bh::vmm::soft {

namespace {

// Byte offsets into the TSS (SDM vol. 3, figures 8-2, 8-10, 8-11).
constexpr std::uint32_t kTss16Stacks = 2;
constexpr std::uint32_t kTss32Stacks = 4;
constexpr std::uint32_t kTss64Stacks = 4;
constexpr std::uint32_t kTss64InterruptStacks = 0x24;

struct TableEntry {
  std::uint64_t linear = 0;
  bool inside = false;
};

TableEntry locate(Cpu const& cpu, std::uint16_t selector, std::uint32_t size) {
  std::uint64_t base = cpu.gdt.base;
  std::uint32_t limit = cpu.gdt.limit;
  if (selector_in_ldt(selector)) {
    if (cpu.ldt.unusable != 0 || selector_is_null(cpu.ldt.selector)) return {};
    base = cpu.ldt.base;
    limit = cpu.ldt.limit;
  }
  std::uint32_t const offset = selector & 0xfff8;
  return {.linear = base + offset, .inside = offset + size - 1 <= limit};
}

template <typename T>
Flow load_task_field(Cpu& cpu, std::uint32_t offset, std::uint32_t external, T& out) {
  if (cpu.tr.unusable != 0 || offset + sizeof(T) - 1 > cpu.tr.limit) {
    return cpu.raise(kInvalidTss, selector_error(cpu.tr.selector) | external);
  }
  return load(cpu, cpu.tr.base + offset, out, Privilege::Supervisor);
}

}  // namespace

Flow read_descriptor(Cpu& cpu, std::uint16_t selector, Descriptor& out, std::uint8_t vector,
                     std::uint32_t external) {
  auto const entry = locate(cpu, selector, 8);
  if (!entry.inside) return cpu.raise(vector, selector_error(selector) | external);
  return load(cpu, entry.linear, out.raw, Privilege::Supervisor);
}

Flow read_descriptor_upper(Cpu& cpu, std::uint16_t selector, std::uint64_t& out) {
  auto const entry = locate(cpu, selector, 16);
  if (!entry.inside) return cpu.raise(kGeneralProtection, selector_error(selector));
  return load(cpu, entry.linear + 8, out, Privilege::Supervisor);
}

Flow mark_descriptor(Cpu& cpu, std::uint16_t selector, Descriptor& descriptor, std::uint8_t bits) {
  std::uint64_t const wanted = static_cast<std::uint64_t>(bits) << 40;
  // Linux maps its GDT read-only and has the bits set in advance: no write without need.
  if ((descriptor.raw & wanted) == wanted) return Flow::Next;
  descriptor.raw |= wanted;
  auto const type_byte = static_cast<std::uint8_t>(descriptor.raw >> 40);
  return store(cpu, locate(cpu, selector, 8).linear + 5, type_byte, Privilege::Supervisor);
}

Flow read_task_stack(Cpu& cpu, std::uint8_t level, std::uint32_t external, TaskStack& out) {
  out = {};
  if (cpu.long_mode())
    return load_task_field(cpu, kTss64Stacks + 8u * level, external, out.pointer);
  if (cpu.tr.type == kTss16Busy) {
    std::uint16_t pointer = 0;
    if (auto const flow = load_task_field(cpu, kTss16Stacks + 4u * level, external, pointer);
        flow != Flow::Next) {
      return flow;
    }
    out.pointer = pointer;
    return load_task_field(cpu, kTss16Stacks + 4u * level + 2, external, out.selector);
  }
  std::uint32_t pointer = 0;
  if (auto const flow = load_task_field(cpu, kTss32Stacks + 8u * level, external, pointer);
      flow != Flow::Next) {
    return flow;
  }
  out.pointer = pointer;
  return load_task_field(cpu, kTss32Stacks + 8u * level + 4, external, out.selector);
}

Flow read_interrupt_stack(Cpu& cpu, std::uint8_t number, std::uint32_t external,
                          std::uint64_t& out) {
  return load_task_field(cpu, kTss64InterruptStacks + 8u * (number - 1u), external, out);
}

}  // namespace bh::vmm::soft
