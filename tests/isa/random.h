#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace bh::isa {

/// SplitMix64: reproducible on every host, unlike the distributions of <random>.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e37'79b9'7f4a'7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
    z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
    return z ^ (z >> 31);
  }
  /// 0 to bound - 1.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  /// True once in `n` draws.
  bool one_in(std::uint64_t n) { return below(n) == 0; }

  template <typename T, std::size_t N>
  T const& pick(std::array<T, N> const& values) {
    return values[below(N)];
  }

 private:
  std::uint64_t state_;
};

/// Values that instructions tend to get wrong, mixed with plain random ones.
std::uint64_t interesting_integer(Random& random);
std::uint32_t interesting_float(Random& random);
std::uint64_t interesting_double(Random& random);
/// 80-bit extended real in 10 bytes, also the encodings that stopped being valid with the 387.
void interesting_extended(Random& random, std::span<std::byte, 10> out);
/// 16 bytes of one kind: integers, floats, doubles or noise.
enum class LaneKind : std::uint8_t { Noise, Integers, Floats, Doubles };
void interesting_lanes(Random& random, LaneKind kind, std::span<std::byte, 16> out);

}  // namespace bh::isa
