#include <array>
#include <cstring>

#include "guest/stress.h"

namespace bh::stress {

namespace {

constexpr int kSteps = 200;

template <typename T>
std::uint64_t bits_of(T value) {
  std::uint64_t bits = 0;
  static_assert(sizeof value == sizeof bits);
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

}  // namespace

std::uint64_t work_of(std::uint64_t seed) {
  Random random(seed);
  std::array<std::uint64_t, 64> table{};
  for (auto& entry : table) entry = random.next();
  double small = 1;
  long double wide = 1;
  std::uint64_t sum = seed;
  for (int i = 0; i < kSteps; ++i) {
    auto& entry = table[sum % table.size()];
    entry += (entry << 7) ^ sum;
    sum = sum * 0x5851f42d4c957f2d + entry;
    small = small * 0.75 + static_cast<double>(sum >> 40);
    wide = wide / 3 + static_cast<long double>(entry >> 50);
    for (std::size_t j = 0; j < table.size(); ++j) table[j] ^= sum + j;
    sum ^= (sum & 1) != 0 ? bits_of(small) : bits_of(static_cast<double>(wide));
  }
  return sum;
}

}  // namespace bh::stress
