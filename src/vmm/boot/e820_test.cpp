#include "vmm/boot/e820.h"

#include <gtest/gtest.h>

namespace bh::vmm::boot {
namespace {

using Map = std::vector<E820Entry>;

TEST(MemoryMap, ReservesTheBiosAreasOfASmallMachine) {
  auto const memory = *GuestMemory::create(128u << 20);
  EXPECT_EQ(memory_map(memory), (Map{
                                    {{0}, 0x9fc00, E820Type::Ram},
                                    {{0x9fc00}, 0x60400, E820Type::Reserved},
                                    {{0x100000}, (128u << 20) - 0x100000, E820Type::Ram},
                                }));
}

TEST(MemoryMap, LeavesOutTheGapBelowFourGib) {
  auto const memory = *GuestMemory::create(std::uint64_t{5} << 30);
  auto const map = memory_map(memory);
  ASSERT_EQ(map.size(), 4u);
  EXPECT_EQ(map[2], (E820Entry{{0x100000}, 0xc000'0000 - 0x100000, E820Type::Ram}));
  EXPECT_EQ(map[3], (E820Entry{{0x1'0000'0000}, std::uint64_t{2} << 30, E820Type::Ram}));
}

}  // namespace
}  // namespace bh::vmm::boot
