#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "vmm/soft/state/cpu.h"
#include "vmm/soft/translate/piece.h"

namespace bh::vmm::soft {

/// All of a vCPU that translated instructions may change, but memory.
struct ProgramState {
  Cpu::NativeState native;
  std::uint64_t rip;
  std::uint64_t system_flags;
  std::array<std::uint64_t, 7> segment_base;
  std::uint64_t gs_base;  // Of segments[Gs].
  std::uint64_t kernel_gs_base;
  std::uint64_t cr2;

  static ProgramState of(Cpu const& cpu);
  void put_into(Cpu& cpu) const;
};

/// A line for each part in which the two differ, empty if none does. Of the arithmetic flags only
/// `flags` count. x87's addresses of its last instruction do not: they are kept for those who ask.
std::string differences(ProgramState const& stepped, ProgramState const& translated, FlagSet flags);

}  // namespace bh::vmm::soft
