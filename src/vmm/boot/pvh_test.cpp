#include "vmm/boot/pvh.h"

#include <gtest/gtest.h>

#include "vmm/boot/layout.h"
#include "vmm/boot/testing/guest_bytes.h"

namespace bh::vmm::boot {
namespace {

class PvhTest : public testing::Test {
 protected:
  template <typename T>
  T field(std::uint64_t offset) const {
    return value_at<T>(memory_, kPvhStartInfo.value + offset);
  }

  GuestMemory memory_ = *GuestMemory::create(4u << 20);
};

// Offsets as in Xen's start_info.h.
TEST_F(PvhTest, StartInfoPointsToCommandLineTablesAndMemoryMap) {
  std::array const map{E820Entry{{0}, 0x9fc00, E820Type::Ram},
                       E820Entry{{0x9fc00}, 0x400, E820Type::Reserved}};
  ASSERT_TRUE(write_pvh_start_info(memory_, {.memory_map = map}));
  EXPECT_EQ(field<std::uint32_t>(0), 0x336ec578u);
  EXPECT_EQ(field<std::uint32_t>(4), 1u);
  EXPECT_EQ(field<std::uint32_t>(12), 0u) << "no module";
  EXPECT_EQ(field<std::uint64_t>(24), kCommandLine.value);
  EXPECT_EQ(field<std::uint64_t>(32), kRsdp.value);
  ASSERT_EQ(field<std::uint32_t>(48), 2u);
  auto const second = field<std::uint64_t>(40) + 24;
  EXPECT_EQ(value_at<std::uint64_t>(memory_, second), 0x9fc00u);
  EXPECT_EQ(value_at<std::uint64_t>(memory_, second + 8), 0x400u);
  EXPECT_EQ(value_at<std::uint32_t>(memory_, second + 16), 2u);
}

TEST_F(PvhTest, TheInitrdIsTheFirstModule) {
  ASSERT_TRUE(write_pvh_start_info(memory_, {.initrd = InitrdPlace{{0x300000}, 0x1234}}));
  ASSERT_EQ(field<std::uint32_t>(12), 1u);
  auto const module = field<std::uint64_t>(16);
  EXPECT_EQ(value_at<std::uint64_t>(memory_, module), 0x300000u);
  EXPECT_EQ(value_at<std::uint64_t>(memory_, module + 8), 0x1234u);
}

TEST_F(PvhTest, EntersProtectedModeWithFlatSegmentsAndWithoutPaging) {
  VcpuState state;
  state.system.cr0 = 0x6000'0010;
  ASSERT_TRUE(enter_pvh(memory_, {0x1000450}, state));
  EXPECT_EQ(state.system.cr0, 0x11u);
  EXPECT_EQ(state.system.cr4, 0u);
  EXPECT_EQ(state.system.efer, 0u);
  EXPECT_EQ(state.general.rip, 0x1000450u);
  EXPECT_EQ(state.general.gpr[Rbx], kPvhStartInfo.value);
  EXPECT_EQ(state.system.segments[Cs].db, 1);
  EXPECT_EQ(state.system.segments[Cs].l, 0);
  EXPECT_EQ(state.system.segments[Ds].limit, 0xffff'ffffu);
  EXPECT_EQ(state.system.tr.limit, 0x67u);
  EXPECT_EQ(state.system.tr.type, 0xb);
}

}  // namespace
}  // namespace bh::vmm::boot
