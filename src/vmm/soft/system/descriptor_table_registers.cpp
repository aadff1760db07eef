#include <array>
#include <cstring>

#include "vmm/soft/mmu/access.h"
#include "vmm/soft/mmu/walk.h"
#include "vmm/soft/step/registers.h"
#include "vmm/soft/system/descriptor_table.h"
#include "vmm/soft/system/handlers.h"
#include "vmm/soft/system/selector_operand.h"

namespace bh::vmm::soft {

namespace {

/// Bytes of the base in LGDT's operand: 8 in 64-bit mode, else 4.
unsigned base_size(Cpu const& cpu) {
  return cpu.code_size == CodeSize::Bits64 ? 8 : 4;
}

Flow load_table(Cpu& cpu, Op const& op, DescriptorTable& table) {
  if (cpu.cpl != 0) return cpu.raise(kGeneralProtection, 0);
  std::array<std::byte, 10> bytes{};
  auto const operand = std::span(bytes).first(2 + base_size(cpu));
  if (auto const flow =
          read_memory(cpu, effective_address(cpu, op), operand, current_privilege(cpu));
      flow != Flow::Next) {
    return flow;
  }
  DescriptorTable loaded;
  std::memcpy(&loaded.limit, bytes.data(), 2);
  std::memcpy(&loaded.base, bytes.data() + 2, base_size(cpu));
  // A 16-bit operand has a 24-bit base (SDM vol. 2, LGDT).
  if (base_size(cpu) == 4 && op.operand_size == 2) loaded.base &= 0xff'ffff;
  if (cpu.long_mode() && !is_canonical(loaded.base)) return cpu.raise(kGeneralProtection, 0);
  table = loaded;
  return Flow::Next;
}

Flow store_table(Cpu& cpu, Op const& op, DescriptorTable const& table) {
  std::array<std::byte, 10> bytes{};
  std::memcpy(bytes.data(), &table.limit, 2);
  std::memcpy(bytes.data() + 2, &table.base, 8);
  if (auto const flow =
          write_memory(cpu, effective_address(cpu, op), std::span(bytes).first(2 + base_size(cpu)),
                       current_privilege(cpu));
      flow != Flow::Next) {
    return flow;
  }
  return finish(cpu, op);
}

/// Reads the system descriptor of LLDT and LTR with the upper half of its base.
struct SystemDescriptor {
  Descriptor descriptor;
  std::uint64_t base = 0;
};
Flow read_system_descriptor(Cpu& cpu, std::uint16_t selector, SystemDescriptor& out) {
  std::uint32_t const error = selector_error(selector);
  if (selector_in_ldt(selector)) return cpu.raise(kGeneralProtection, error);
  if (auto const flow = read_descriptor(cpu, selector, out.descriptor); flow != Flow::Next) {
    return flow;
  }
  out.base = out.descriptor.base();
  if (!cpu.long_mode()) return Flow::Next;
  std::uint64_t upper = 0;
  if (auto const flow = read_descriptor_upper(cpu, selector, upper); flow != Flow::Next)
    return flow;
  out.base |= upper << 32;
  if (!is_canonical(out.base)) return cpu.raise(kGeneralProtection, error);
  return Flow::Next;
}

/// LLDT and LTR are privileged and unknown in real mode.
Flow check_privileged_selector_load(Cpu& cpu) {
  if (!cpu.protected_mode()) return cpu.raise(kInvalidOpcode);
  return cpu.cpl == 0 ? Flow::Next : cpu.raise(kGeneralProtection, 0);
}

Flow store_selector(Cpu& cpu, Op const& op, std::uint16_t selector) {
  if (!cpu.protected_mode()) return cpu.raise(kInvalidOpcode);
  if (!op.has_memory) {
    write_gpr(cpu, op.reg[0], op.operand_size, selector);
    return Flow::Next;
  }
  if (auto const flow = store(cpu, effective_address(cpu, op), selector); flow != Flow::Next) {
    return flow;
  }
  return finish(cpu, op);
}

}  // namespace

Flow lgdt(Cpu& cpu, Op const& op) {
  return load_table(cpu, op, cpu.gdt);
}
Flow lidt(Cpu& cpu, Op const& op) {
  return load_table(cpu, op, cpu.idt);
}
Flow sgdt(Cpu& cpu, Op const& op) {
  return store_table(cpu, op, cpu.gdt);
}
Flow sidt(Cpu& cpu, Op const& op) {
  return store_table(cpu, op, cpu.idt);
}

Flow lldt(Cpu& cpu, Op const& op) {
  if (auto const flow = check_privileged_selector_load(cpu); flow != Flow::Next) return flow;
  std::uint16_t selector = 0;
  if (auto const flow = selector_operand(cpu, op, 0, selector); flow != Flow::Next) return flow;
  if (selector_is_null(selector)) {
    cpu.ldt = null_segment(selector);
    return Flow::Next;
  }
  SystemDescriptor system;
  if (auto const flow = read_system_descriptor(cpu, selector, system); flow != Flow::Next) {
    return flow;
  }
  std::uint32_t const error = selector_error(selector);
  if (system.descriptor.is_segment() || system.descriptor.type() != kLdtType) {
    return cpu.raise(kGeneralProtection, error);
  }
  if (!system.descriptor.present()) return cpu.raise(kSegmentNotPresent, error);
  cpu.ldt = system.descriptor.segment(selector);
  cpu.ldt.base = system.base;
  return Flow::Next;
}

Flow ltr(Cpu& cpu, Op const& op) {
  if (auto const flow = check_privileged_selector_load(cpu); flow != Flow::Next) return flow;
  std::uint16_t selector = 0;
  if (auto const flow = selector_operand(cpu, op, 0, selector); flow != Flow::Next) return flow;
  if (selector_is_null(selector)) return cpu.raise(kGeneralProtection, 0);
  SystemDescriptor system;
  if (auto const flow = read_system_descriptor(cpu, selector, system); flow != Flow::Next) {
    return flow;
  }
  std::uint32_t const error = selector_error(selector);
  std::uint8_t const type = system.descriptor.type();
  bool const available = type == kTss || (type == kTss16 && !cpu.long_mode());
  if (system.descriptor.is_segment() || !available) return cpu.raise(kGeneralProtection, error);
  if (!system.descriptor.present()) return cpu.raise(kSegmentNotPresent, error);
  constexpr std::uint8_t kBusy = 2;
  if (auto const flow = mark_descriptor(cpu, selector, system.descriptor, kBusy);
      flow != Flow::Next) {
    return flow;
  }
  cpu.tr = system.descriptor.segment(selector);
  cpu.tr.base = system.base;
  return finish(cpu, op);
}

Flow sldt(Cpu& cpu, Op const& op) {
  return store_selector(cpu, op, cpu.ldt.selector);
}
Flow str(Cpu& cpu, Op const& op) {
  return store_selector(cpu, op, cpu.tr.selector);
}

}  // namespace bh::vmm::soft
