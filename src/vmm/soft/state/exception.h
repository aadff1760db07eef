#pragma once

#include <cstdint>

namespace bh::vmm::soft {

/// Exception vectors (SDM vol. 3, 6.3.1).
enum Vector : std::uint8_t {
  kDivideError = 0,
  kDebug = 1,
  kNmi = 2,
  kBreakpoint = 3,
  kOverflow = 4,
  kBoundRange = 5,
  kInvalidOpcode = 6,
  kDeviceNotAvailable = 7,
  kDoubleFault = 8,
  kInvalidTss = 10,
  kSegmentNotPresent = 11,
  kStackFault = 12,
  kGeneralProtection = 13,
  kPageFault = 14,
  kX87Error = 16,
  kAlignmentCheck = 17,
  kMachineCheck = 18,
  kSimdError = 19,
};

/// Page-fault error code bits (SDM vol. 3, 4.7).
inline constexpr std::uint32_t kPfPresent = 1;
inline constexpr std::uint32_t kPfWrite = 2;
inline constexpr std::uint32_t kPfUser = 4;
inline constexpr std::uint32_t kPfReserved = 8;
inline constexpr std::uint32_t kPfFetch = 16;

struct Exception {
  std::uint8_t vector = 0;
  bool has_error_code = false;
  std::uint32_t error_code = 0;
  /// #GP for a non-canonical address, which is #SS if the address was in the stack segment.
  bool non_canonical = false;
};

}  // namespace bh::vmm::soft
