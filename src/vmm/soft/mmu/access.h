#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "vmm/soft/decode/op.h"
#include "vmm/soft/state/cpu.h"
#include "vmm/soft/state/machine.h"

namespace bh::vmm::soft {

/// Guest memory as instructions see it: linear addresses, permissions, devices.
///
/// Functions return Flow::Next when done, else Flow::Fault or Flow::Exit, which the handler passes
/// on. An instruction may start again after any of them: do all that can fail before changing
/// registers.

inline Privilege current_privilege(Cpu const& cpu) {
  return cpu.user_mode() ? Privilege::User : Privilege::Supervisor;
}

/// Where one linear address lives.
struct Place {
  std::byte* host = nullptr;   // nullptr: not RAM, but a device at `physical`.
  std::uint64_t physical = 0;  // Only set when host is nullptr or the TLB missed.
};
/// Translates and enters the page in the TLB if it is RAM. Fault: a page fault or #GP is pending.
Flow translate(Cpu& cpu, std::uint64_t linear, Access access, Privilege privilege, Place& place);

/// Slow paths: TLB misses, page crossings, devices.
Flow read_memory(Cpu& cpu, std::uint64_t linear, std::span<std::byte> out, Privilege privilege);
Flow write_memory(Cpu& cpu, std::uint64_t linear, std::span<std::byte const> data,
                  Privilege privilege);

/// Fails as a write of `size` bytes would, without writing. For read-modify-write.
Flow probe_write(Cpu& cpu, std::uint64_t linear, std::uint64_t size, Privilege privilege);

/// Tells the code cache that `size` bytes of RAM at `host` changed. True if code was there: the
/// running block may be out of date, so the handler must return Flow::Leave with rip set (see
/// finish()).
inline bool note_write(Cpu& cpu, std::byte const* host, std::uint64_t size) {
  return cpu.machine->code_pages.note_write(host, size);
}

template <typename T>
Flow load(Cpu& cpu, std::uint64_t linear, T& out, Privilege privilege) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (std::byte const* const host = cpu.mmu.tlb(privilege, Access::Read).find(linear, sizeof(T)))
      [[likely]] {
    std::memcpy(&out, host, sizeof(T));
    return Flow::Next;
  }
  return read_memory(cpu, linear, std::as_writable_bytes(std::span(&out, 1)), privilege);
}
template <typename T>
Flow load(Cpu& cpu, std::uint64_t linear, T& out) {
  return load(cpu, linear, out, current_privilege(cpu));
}

/// A handler that stores ends with `return finish(cpu, op)`.
template <typename T>
Flow store(Cpu& cpu, std::uint64_t linear, T const& value, Privilege privilege) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (std::byte* const host = cpu.mmu.tlb(privilege, Access::Write).find(linear, sizeof(T)))
      [[likely]] {
    std::memcpy(host, &value, sizeof(T));
    if (note_write(cpu, host, sizeof(T))) [[unlikely]]
      cpu.code_changed = true;
    return Flow::Next;
  }
  return write_memory(cpu, linear, std::as_bytes(std::span(&value, 1)), privilege);
}
template <typename T>
Flow store(Cpu& cpu, std::uint64_t linear, T const& value) {
  return store(cpu, linear, value, current_privilege(cpu));
}

/// Linear address of an instruction's memory operand.
inline std::uint64_t effective_offset(Cpu const& cpu, Op const& op) {
  std::uint64_t const offset = cpu.gpr[op.base] + (cpu.gpr[op.index] << op.scale) +
                               static_cast<std::uint64_t>(op.displacement);
  if (op.address_size == 8) [[likely]]
    return offset;
  return op.address_size == 4 ? static_cast<std::uint32_t>(offset)
                              : static_cast<std::uint16_t>(offset);
}
inline std::uint64_t effective_address(Cpu const& cpu, Op const& op) {
  std::uint64_t const linear = effective_offset(cpu, op) + cpu.segment_base[op.segment];
  return cpu.code_size == CodeSize::Bits64 ? linear : static_cast<std::uint32_t>(linear);
}

/// The end of a handler that stored: goes on, or leaves the block if it changed code.
inline Flow finish(Cpu& cpu, Op const& op) {
  if (!cpu.code_changed) [[likely]]
    return Flow::Next;
  cpu.code_changed = false;
  cpu.rip = cpu.next_rip(op);
  return Flow::Leave;
}

}  // namespace bh::vmm::soft
