#pragma once

#include <cstdint>
#include <string>

namespace bh::vmm::boot {

/// "0x1000000".
std::string hex(std::uint64_t value);

/// A size for people: "40 MiB", "12 KiB", "7 bytes"; rounded up to the unit so that it is never 0.
std::string size_text(std::uint64_t bytes);

}  // namespace bh::vmm::boot
