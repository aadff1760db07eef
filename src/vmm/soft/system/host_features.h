#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace bh::vmm::soft {

/// CPUID registers made of feature bits.
enum class FeatureWord : std::uint8_t {
  Leaf1Ecx,
  Leaf1Edx,
  Leaf7Ebx,
  Leaf7Edx,
  Extended1Ecx,
  Extended1Edx
};

/// What the CPU this program runs on has.
struct HostFeatures {
  std::array<std::uint32_t, 6> words{};
  std::uint64_t xcr0 = 0;  // 0 if the operating system does not use XSAVE.

  std::uint32_t operator[](FeatureWord word) const { return words[static_cast<std::size_t>(word)]; }
};

/// Asked once. Any thread.
HostFeatures const& host_features();

}  // namespace bh::vmm::soft
