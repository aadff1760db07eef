#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace bh::vmm::soft {

/// Differs between programs, and models of CPU, whose translated code may differ. Nothing if the
/// program was linked without a build ID.
using ProgramIdentity = std::array<std::uint8_t, 64>;
std::optional<ProgramIdentity> program_identity();

}  // namespace bh::vmm::soft
