#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace bh {

inline constexpr std::uint64_t kKiB = std::uint64_t{1} << 10;
inline constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
inline constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

/// A size for people: "40 MiB", "12 KiB", "7 bytes"; rounded up, so that it is 0 only for 0.
std::string size_text(std::uint64_t bytes);

/// Bytes of "512M", "2G", "64K", "4096": a whole number and an optional unit K, M or G (KiB, MiB
/// and GiB are read too, in any case). Fails on anything else and on more than 64 bits.
Result<std::uint64_t> parse_size(std::string_view text);

}  // namespace bh
