#pragma once

#include <array>
#include <cstdint>

namespace bh::bench {

/// The compression function of SHA-256 (FIPS 180-4, section 6.2.2), written plainly: a workload of
/// rotations and additions whose result can be checked, not a hash to protect anything with.
class Sha256 {
 public:
  /// 16 words, as the standard numbers them: the big-endian words of 64 bytes.
  using Block = std::array<std::uint32_t, 16>;
  using State = std::array<std::uint32_t, 8>;

  void add(Block const& block);
  [[nodiscard]] State const& state() const { return state_; }

 private:
  State state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
               0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
};

}  // namespace bh::bench
