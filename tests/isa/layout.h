#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace bh::isa {

/// Where a case finds its code and data: the same virtual addresses in the host's child process and
/// in the guest, so that every address an instruction computes is comparable.

inline constexpr std::uint64_t kPage = 4096;

/// Two pages, readable and executable, filled with int3; unmapped before and after.
inline constexpr std::uint64_t kCodeStart = 0x1000'0000;
inline constexpr std::uint64_t kCodeSize = 2 * kPage;
inline constexpr std::uint8_t kMarker = 0xcc;

/// A page of data. `image_offset` is its place in a MemoryImage.
struct DataPage {
  std::uint64_t offset = 0;  // From kDataStart and from kHighDataStart.
  std::size_t image_offset = 0;
  bool writable = false;
};

/// What is not listed is unmapped: before page 0, between pages 2 and 3, after page 3.
inline constexpr std::array<DataPage, 4> kDataPages{{{0x0000, 0x0000, true},
                                                     {0x1000, 0x1000, true},
                                                     {0x2000, 0x2000, false},
                                                     {0x4000, 0x3000, true}}};
inline constexpr std::uint64_t kReadOnlyOffset = 0x2000;
inline constexpr std::uint64_t kGuardOffset = 0x3000;
inline constexpr std::uint64_t kLastPageOffset = 0x4000;
inline constexpr std::uint64_t kDataSpan = 0x5000;

/// The data pages appear twice: below 2 GiB, where a 32-bit displacement or a 67h prefix reaches
/// them, and high, where code that drops the upper half of an address is found out.
inline constexpr std::uint64_t kDataStart = 0x2000'1000;
inline constexpr std::uint64_t kHighDataStart = 0x5a5a'6000'1000;

using MemoryImage = std::array<std::byte, kDataPages.size() * kPage>;

}  // namespace bh::isa
