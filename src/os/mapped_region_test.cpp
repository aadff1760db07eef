#include "os/mapped_region.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cerrno>
#include <optional>
#include <utility>

namespace bh::os {
namespace {

constexpr std::size_t kSize = 8192;

MappedRegion anonymous() {
  auto region =
      MappedRegion::map(kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
  EXPECT_TRUE(region);
  return region ? *std::move(region) : MappedRegion();
}

/// Whether any page of the range is mapped; msync() says ENOMEM about a hole.
bool is_mapped(std::byte* data) {
  return ::msync(data, kSize, MS_ASYNC) == 0 || errno != ENOMEM;
}

TEST(MappedRegion, UnmapsAtTheEndOfItsScope) {
  std::byte* data = nullptr;
  {
    auto const region = anonymous();
    data = region.data();
    EXPECT_EQ(region.size(), kSize);
    EXPECT_TRUE(is_mapped(data));
  }
  EXPECT_FALSE(is_mapped(data));
}

TEST(MappedRegion, AMoveLeavesTheSourceEmpty) {
  auto from = anonymous();
  auto* const data = from.data();
  MappedRegion const to(std::move(from));
  // NOLINTNEXTLINE(bugprone-use-after-move): what is left is what is tested.
  EXPECT_EQ(from.data(), nullptr);
  EXPECT_EQ(from.size(), 0u);
  EXPECT_EQ(to.data(), data);
}

TEST(MappedRegion, AnAssignmentUnmapsWhatWasOwnedBefore) {
  std::byte* old = nullptr;
  {
    auto region = anonymous();
    old = region.data();
    region = anonymous();
    EXPECT_NE(region.data(), nullptr);
  }
  EXPECT_FALSE(is_mapped(old));
}

TEST(MappedRegion, SaysHowMuchCouldNotBeMapped) {
  auto const region = MappedRegion::map(0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
  ASSERT_FALSE(region);
  EXPECT_EQ(region.error().message, "mmap of 0 bytes: Invalid argument");
}

}  // namespace
}  // namespace bh::os
