#pragma once

#include <cstddef>

/// Offsets in the FXSAVE64 image (Intel SDM vol. 1, table 10-2 and 10.5.1).
namespace bh::isa::fxsave {

inline constexpr std::size_t kControl = 0;
inline constexpr std::size_t kStatus = 2;
inline constexpr std::size_t kTags = 4;
inline constexpr std::size_t kLastOpcode = 6;
inline constexpr std::size_t kLastInstruction = 8;
inline constexpr std::size_t kLastData = 16;
inline constexpr std::size_t kMxcsr = 24;
inline constexpr std::size_t kMxcsrMask = 28;
inline constexpr std::size_t kStack = 32;
inline constexpr std::size_t kXmm = 160;

}  // namespace bh::isa::fxsave
