#pragma once

#include <cstdint>

namespace bh::vmm::soft {

// Bits of DR6 and DR7 (SDM vol. 3, 17.2).
inline constexpr std::uint64_t kDr6DebugRegister = 1u << 13;  // BD: general detect
inline constexpr std::uint64_t kDr6SingleStep = 1u << 14;     // BS
inline constexpr std::uint64_t kDr7GeneralDetect = 1u << 13;  // GD

}  // namespace bh::vmm::soft
