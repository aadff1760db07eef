#include "vmm/memory/dirty_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <thread>

namespace bh::vmm {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t kPages = 256;

class DirtyPagesTest : public testing::Test {
 protected:
  GuestMemory memory_ = GuestMemory::create(kPages * kPageSize).value();
  DirtyPages dirty_{memory_};
};

TEST_F(DirtyPagesTest, NothingIsDirtyAtFirst) {
  EXPECT_THAT(dirty_.collect(), IsEmpty());
}

TEST_F(DirtyPagesTest, OneByteMakesOnePageDirty) {
  dirty_.wrote({5 * kPageSize + 17}, 1);
  EXPECT_THAT(dirty_.collect(), ElementsAre(PageRun{{5 * kPageSize}, kPageSize}));
}

TEST_F(DirtyPagesTest, AWriteAcrossAPageBoundaryMakesBothDirty) {
  dirty_.wrote({2 * kPageSize - 1}, 2);
  EXPECT_THAT(dirty_.collect(), ElementsAre(PageRun{{kPageSize}, 2 * kPageSize}));
}

TEST_F(DirtyPagesTest, NeighboursAreJoinedAcrossWords) {
  dirty_.wrote({60 * kPageSize}, 10 * kPageSize);
  dirty_.wrote({200 * kPageSize}, 1);
  EXPECT_THAT(dirty_.collect(), ElementsAre(PageRun{{60 * kPageSize}, 10 * kPageSize},
                                            PageRun{{200 * kPageSize}, kPageSize}));
}

TEST_F(DirtyPagesTest, CollectingStartsAgain) {
  dirty_.wrote({0}, 1);
  EXPECT_THAT(dirty_.collect(), testing::SizeIs(1));
  EXPECT_THAT(dirty_.collect(), IsEmpty());
  dirty_.wrote({0}, 1);
  EXPECT_THAT(dirty_.collect(), testing::SizeIs(1));
}

TEST_F(DirtyPagesTest, AnEmptyWriteAndOneOutsideRamMarkNothing) {
  dirty_.wrote({0}, 0);
  dirty_.wrote({kPages * kPageSize}, 4);
  dirty_.wrote({~std::uint64_t{0}}, 1);
  EXPECT_THAT(dirty_.collect(), IsEmpty());
}

TEST_F(DirtyPagesTest, TheLastPageIsCounted) {
  dirty_.wrote({kPages * kPageSize - 1}, ~std::uint64_t{0});
  EXPECT_THAT(dirty_.collect(), ElementsAre(PageRun{{(kPages - 1) * kPageSize}, kPageSize}));
}

TEST_F(DirtyPagesTest, WritesThroughTheMemoryAreSeenAndPassedOn) {
  DirtyPages first(memory_, &dirty_);
  memory_.set_write_hook(&first);
  ASSERT_TRUE(memory_.write_object(GuestAddress{3 * kPageSize}, 42));
  ASSERT_TRUE(memory_.fill({7 * kPageSize}, 2 * kPageSize, std::byte{1}));
  auto const expected =
      ElementsAre(PageRun{{3 * kPageSize}, kPageSize}, PageRun{{7 * kPageSize}, 2 * kPageSize});
  EXPECT_THAT(first.collect(), expected);
  EXPECT_THAT(dirty_.collect(), expected);
  memory_.set_write_hook(nullptr);
}

TEST_F(DirtyPagesTest, NoWriteIsLostBetweenThreads) {
  std::array<int, kPages> seen{};
  {
    std::jthread const even([this] {
      for (std::uint64_t page = 0; page < kPages; page += 2) dirty_.wrote({page * kPageSize}, 8);
    });
    std::jthread const odd([this] {
      for (std::uint64_t page = 1; page < kPages; page += 2) dirty_.wrote({page * kPageSize}, 8);
    });
    for (int i = 0; i < 100; ++i) {
      for (auto const& run : dirty_.collect()) {
        for (std::uint64_t at = 0; at < run.size; at += kPageSize) {
          ++seen[(run.start.value + at) / kPageSize];
        }
      }
    }
  }
  for (auto const& run : dirty_.collect()) {
    for (std::uint64_t at = 0; at < run.size; at += kPageSize) {
      ++seen[(run.start.value + at) / kPageSize];
    }
  }
  EXPECT_THAT(seen, testing::Each(1));
}

TEST(DirtyPagesAboveTheHole, PagesKeepTheirGuestAddresses) {
  // Nothing of it is touched, so the host gives it no memory.
  auto const memory = GuestMemory::create(kLowMemoryEnd.value + 4 * kPageSize).value();
  DirtyPages dirty(memory);
  dirty.wrote({kLowMemoryEnd.value - 1}, 1);
  dirty.wrote(kHighMemoryStart, 1);
  dirty.wrote(kLowMemoryEnd, kPageSize);
  EXPECT_THAT(dirty.collect(), ElementsAre(PageRun{{kLowMemoryEnd.value - kPageSize}, kPageSize},
                                           PageRun{kHighMemoryStart, kPageSize}));
}

}  // namespace
}  // namespace bh::vmm
