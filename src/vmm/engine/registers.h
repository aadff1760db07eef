#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bh::vmm {

/// Architectural state of one x86-64 vCPU as plain structs: what both engines save and restore.

/// Numbering of the encoding (Intel SDM vol. 2, 2.1.5): index into GeneralRegisters::gpr.
enum Gpr : std::uint8_t {
  Rax,
  Rcx,
  Rdx,
  Rbx,
  Rsp,
  Rbp,
  Rsi,
  Rdi,
  R8,
  R9,
  R10,
  R11,
  R12,
  R13,
  R14,
  R15,
};

struct GeneralRegisters {
  std::array<std::uint64_t, 16> gpr{};
  std::uint64_t rip = 0;
  std::uint64_t rflags = 2;

  friend bool operator==(GeneralRegisters const&, GeneralRegisters const&) = default;
};

/// A segment register with its hidden part.
struct Segment {
  std::uint64_t base = 0;
  std::uint32_t limit = 0;  // In bytes, granularity already applied.
  std::uint16_t selector = 0;
  std::uint8_t type = 0;  // SDM vol. 3, 3.4.5.1 and 3.5.
  std::uint8_t present = 0;
  std::uint8_t dpl = 0;
  std::uint8_t db = 0;
  std::uint8_t s = 0;  // 1 for code or data, 0 for a system segment.
  std::uint8_t l = 0;
  std::uint8_t g = 0;
  std::uint8_t avl = 0;
  std::uint8_t unusable = 0;

  friend bool operator==(Segment const&, Segment const&) = default;
};

struct DescriptorTable {
  std::uint64_t base = 0;
  std::uint16_t limit = 0;

  friend bool operator==(DescriptorTable const&, DescriptorTable const&) = default;
};

/// Numbering of the encoding: index into SystemRegisters::segments.
enum SegmentIndex : std::uint8_t { Es, Cs, Ss, Ds, Fs, Gs };

struct SystemRegisters {
  std::array<Segment, 6> segments{};
  Segment tr;
  Segment ldt;
  DescriptorTable gdt;
  DescriptorTable idt;
  std::uint64_t cr0 = 0;
  std::uint64_t cr2 = 0;
  std::uint64_t cr3 = 0;
  std::uint64_t cr4 = 0;
  std::uint64_t cr8 = 0;
  std::uint64_t efer = 0;
  std::uint64_t apic_base = 0;
  std::uint64_t xcr0 = 1;

  friend bool operator==(SystemRegisters const&, SystemRegisters const&) = default;
};

/// x87, MMX, SSE state as FXSAVE64 lays it out (SDM vol. 1, 10.5.1), and the upper halves of
/// YMM0-15.
struct FpuState {
  alignas(16) std::array<std::byte, 512> fxsave{};
  alignas(16) std::array<std::array<std::byte, 16>, 16> ymm_high{};

  friend bool operator==(FpuState const&, FpuState const&) = default;
};

struct DebugRegisters {
  std::array<std::uint64_t, 4> address{};
  std::uint64_t dr6 = 0xffff'0ff0;
  std::uint64_t dr7 = 0x400;

  friend bool operator==(DebugRegisters const&, DebugRegisters const&) = default;
};

struct Msr {
  std::uint32_t index = 0;
  std::uint64_t value = 0;

  friend bool operator==(Msr const&, Msr const&) = default;
};

/// Where a vCPU stands between power-on and running (SDM vol. 3, 9.4).
enum class Activity : std::uint8_t { Running, Halted, WaitForSipi };

struct VcpuState {
  GeneralRegisters general;
  SystemRegisters system;
  FpuState fpu;
  DebugRegisters debug;
  std::vector<Msr> msrs;
  Activity activity = Activity::Running;
};

}  // namespace bh::vmm
