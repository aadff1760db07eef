#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace bh::vmm::boot {

/// The byte that makes the sum of all bytes 0, if it is put where a 0 is now: as ACPI and MP tables
/// are protected.
std::uint8_t checksum(std::span<std::byte const> bytes);

}  // namespace bh::vmm::boot
