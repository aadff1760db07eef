#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tests/isa/layout.h"
#include "vmm/engine/registers.h"

namespace bh::isa {

/// The bytes of one or some instructions and where they lie.
struct Code {
  std::array<std::uint8_t, 64> bytes{};
  std::uint8_t length = 0;
  std::uint64_t rip = 0;
};

/// Bytes put over the memory image before the case runs; they may straddle pages, and lie in the
/// low or the high view. Bytes outside of the data pages are dropped.
struct Patch {
  std::uint64_t address = 0;
  std::uint8_t size = 0;
  std::array<std::byte, 64> bytes{};
};

/// Everything a case starts from. Trivially copyable: lives in memory shared with the child.
struct CaseInput {
  Code code;
  std::array<std::uint64_t, 16> gpr{};
  std::uint64_t rflags = 0x202;
  std::uint64_t fs_base = 0;
  std::uint64_t gs_base = 0;
  vmm::FpuState fpu;
  std::uint32_t image = 0;  // Index for memory_image().
  std::array<Patch, 2> patches{};
  std::uint64_t seed = 0;  // Of the state; for the report.
};

enum class Ending : std::uint8_t {
  Exception,  // The normal end: the case's own exception or the marker's #BP.
  Died,       // The host child was killed, or the engine gave up.
  Stuck,      // No end within the time limit.
};

/// Where a case ended. Trivially copyable.
struct Outcome {
  Ending ending = Ending::Exception;
  std::uint8_t vector = 0;
  std::uint32_t error_code = 0;
  std::uint64_t cr2 = 0;  // Page faults only, else 0.
  std::array<std::uint64_t, 16> gpr{};
  std::uint64_t rip = 0;
  std::uint64_t rflags = 0;
  std::uint64_t fs_base = 0;
  std::uint64_t gs_base = 0;
  vmm::FpuState fpu;
  MemoryImage memory{};
};

enum Vector : std::uint8_t {
  kDivideError = 0,
  kDebug = 1,
  kBreakpoint = 3,
  kInvalidOpcode = 6,
  kStackFault = 12,
  kGeneralProtection = 13,
  kPageFault = 14,
  kX87Error = 16,
  kAlignmentCheck = 17,
  kSimdError = 19,
};

}  // namespace bh::isa
