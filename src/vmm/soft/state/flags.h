#pragma once

#include <cstdint>

namespace bh::vmm::soft {

/// RFLAGS bits (SDM vol. 1, 3.4.3).
inline constexpr std::uint64_t kFlagCf = 1u << 0;
inline constexpr std::uint64_t kFlagPf = 1u << 2;
inline constexpr std::uint64_t kFlagAf = 1u << 4;
inline constexpr std::uint64_t kFlagZf = 1u << 6;
inline constexpr std::uint64_t kFlagSf = 1u << 7;
inline constexpr std::uint64_t kFlagTf = 1u << 8;
inline constexpr std::uint64_t kFlagIf = 1u << 9;
inline constexpr std::uint64_t kFlagDf = 1u << 10;
inline constexpr std::uint64_t kFlagOf = 1u << 11;
inline constexpr std::uint64_t kFlagIopl = 3u << 12;
inline constexpr std::uint64_t kFlagNt = 1u << 14;
inline constexpr std::uint64_t kFlagRf = 1u << 16;
inline constexpr std::uint64_t kFlagVm = 1u << 17;
inline constexpr std::uint64_t kFlagAc = 1u << 18;
inline constexpr std::uint64_t kFlagVif = 1u << 19;
inline constexpr std::uint64_t kFlagVip = 1u << 20;
inline constexpr std::uint64_t kFlagId = 1u << 21;
inline constexpr std::uint64_t kFlagsArithmetic =
    kFlagCf | kFlagPf | kFlagAf | kFlagZf | kFlagSf | kFlagOf;
inline constexpr std::uint64_t kFlagsReserved1 = 2;

/// The six arithmetic flags as native stubs leave them: LAHF's byte above SETO's, because that pair
/// is far cheaper to load and store than PUSHF and POPF.
struct ArithmeticFlags {
  std::uint16_t bits = 0x0200;

  static constexpr ArithmeticFlags from_rflags(std::uint64_t rflags) {
    return {static_cast<std::uint16_t>(((rflags & 0xd5) | 2) << 8 | ((rflags >> 11) & 1))};
  }
  constexpr std::uint64_t rflags() const {
    return ((bits >> 8) & 0xd5u) | (static_cast<std::uint64_t>(bits & 1) << 11);
  }
  constexpr bool cf() const { return (bits & 0x0100) != 0; }
  constexpr bool pf() const { return (bits & 0x0400) != 0; }
  constexpr bool zf() const { return (bits & 0x4000) != 0; }
  constexpr bool sf() const { return (bits & 0x8000) != 0; }
  constexpr bool of() const { return (bits & 1) != 0; }
};

}  // namespace bh::vmm::soft
