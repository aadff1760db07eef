#pragma once

#include <cstdint>
#include <span>

namespace bh::vmm::soft {

/// CRC-32C (RFC 3720, B.4), against bytes that changed by accident.
std::uint32_t checksum(std::span<std::uint8_t const> bytes);

}  // namespace bh::vmm::soft
