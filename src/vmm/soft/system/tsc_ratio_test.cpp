#include "vmm/soft/system/tsc_ratio.h"

#include <gtest/gtest.h>

namespace bh::vmm::soft {
namespace {

constexpr std::uint32_t kCrystalKhz = 1'000'000;

// What Linux makes of it, in its 32-bit arithmetic.
std::uint32_t linux_khz(TscRatio ratio) {
  return kCrystalKhz * ratio.numerator / ratio.denominator;
}

TEST(TscRatioTest, IsGoodToSomePartsInAMillionInLinuxs32BitArithmetic) {
  for (std::uint64_t const khz :
       {1'000'000u, 1'700'001u, 2'000'000u, 2'596'148u, 2'999'999u, 3'141'593u, 4'294'967u}) {
    EXPECT_NEAR(linux_khz(nearest_tsc_ratio(khz, kCrystalKhz)), khz, khz * 3e-6) << khz;
  }
}

TEST(TscRatioTest, IsNeverFarOff) {
  for (std::uint64_t khz = 1'000'000; khz < 4'290'000; khz += 9'973) {
    EXPECT_NEAR(linux_khz(nearest_tsc_ratio(khz, kCrystalKhz)), khz, khz * 120e-6) << khz;
  }
}

TEST(TscRatioTest, IsExactAndShortWhereTheFractionIs) {
  auto const ratio = nearest_tsc_ratio(2'500'000, kCrystalKhz);
  EXPECT_EQ(ratio.numerator, 5u);
  EXPECT_EQ(ratio.denominator, 2u);
}

TEST(TscRatioTest, HasADenominatorForAnyFrequency) {
  for (std::uint64_t const khz : {std::uint64_t{1}, std::uint64_t{1} << 32}) {
    EXPECT_NE(nearest_tsc_ratio(khz, kCrystalKhz).denominator, 0u) << khz;
  }
}

}  // namespace
}  // namespace bh::vmm::soft
