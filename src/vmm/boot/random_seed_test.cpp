#include "vmm/boot/random_seed.h"

#include <gtest/gtest.h>

#include "vmm/boot/testing/guest_bytes.h"

namespace bh::vmm::boot {
namespace {

TEST(RandomSeed, IsTheOnlySetupDataAndDiffersBetweenMachines) {
  std::vector<std::vector<std::byte>> seeds;
  for (int machine = 0; machine < 2; ++machine) {
    auto memory = *GuestMemory::create(2u << 20);
    auto const address = write_random_seed(memory);
    ASSERT_TRUE(address);
    EXPECT_EQ(value_at<std::uint64_t>(memory, address->value), 0u) << "next";
    EXPECT_EQ(value_at<std::uint32_t>(memory, address->value + 8), 9u) << "SETUP_RNG_SEED";
    EXPECT_EQ(value_at<std::uint32_t>(memory, address->value + 12), 32u) << "length";
    seeds.push_back(bytes_at(memory, address->value + 16, 32));
  }
  EXPECT_NE(seeds[0], seeds[1]);
}

}  // namespace
}  // namespace bh::vmm::boot
