#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace bh::vmm::soft {

/// What translated code and C++ leave for each other when one enters the other. Part of Cpu.
struct Crossing {
  static constexpr std::uint32_t kNoSite = ~std::uint32_t{0};

  std::uint64_t rip_page = 0;            // Linear address of the page of the running block.
  std::uint64_t host_stack = 0;          // C++'s RSP while translated code runs.
  std::uint64_t enter_at = 0;            // Where to go on, while registers are loaded.
  std::uint64_t target = 0;              // Of an indirect branch: RIP.
  std::uint64_t miss_address = 0;        // Linear address that missed the TLB.
  std::array<std::uint64_t, 4> spare{};  // Of the gate's code.
  std::uint64_t trap_at = 0;             // Host RIP and RFLAGS of a host trap; 0: none.
  std::uint64_t trap_flags = 0;
  std::span<std::byte const> code;  // Where translated code runs.
  std::uint64_t leave = 0;          // Gate::leave, for traps.
  std::uint32_t site = kNoSite;     // Where translated code left.
  std::uint8_t vectors_loaded = 0;  // XMM registers and MXCSR are the guest's.
  std::uint8_t x87_loaded = 0;      // x87 and MMX registers are.
  std::uint8_t uppers = 0;          // The guest's upper halves of YMM registers may not be zero:
                                    // while they are loaded,
  std::uint8_t uppers_stored = 0;   // and in memory.
  std::uint8_t impatient = 0;       // The place that missed shall do without its slot.
  std::uint8_t x87_stored = 0;      // Cpu::fxsave may name addresses of translated code.
};

}  // namespace bh::vmm::soft
