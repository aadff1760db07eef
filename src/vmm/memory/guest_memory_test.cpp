#include "vmm/memory/guest_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <utility>
#include <vector>

namespace bh::vmm {
namespace {

using testing::ElementsAre;

constexpr std::uint64_t kSize = 16 * kPageSize;
constexpr std::uint64_t kHuge = std::uint64_t{1} << 40;

/// Remembers the writes it is told of.
class RecordingHook final : public WriteHook {
 public:
  void wrote(GuestAddress address, std::uint64_t size) override {
    writes.emplace_back(address.value, size);
  }
  std::vector<std::pair<std::uint64_t, std::uint64_t>> writes;
};

class GuestMemoryTest : public testing::Test {
 protected:
  GuestMemory memory_ = GuestMemory::create(kSize).value();
};

TEST_F(GuestMemoryTest, StartsAsZeros) {
  EXPECT_EQ(memory_.read_object<std::uint64_t>({kSize - 8}).value(), 0u);
}

TEST_F(GuestMemoryTest, ReadsBackWhatWasWritten) {
  ASSERT_TRUE(memory_.write_object(GuestAddress{100}, std::uint32_t{0xdead'beef}));
  EXPECT_EQ(memory_.read_object<std::uint32_t>({100}).value(), 0xdead'beefu);
  EXPECT_EQ(memory_.read_object<std::uint8_t>({101}).value(), 0xbe);
}

TEST_F(GuestMemoryTest, FillsARange) {
  ASSERT_TRUE(memory_.fill({10}, 3, std::byte{0xaa}));
  EXPECT_EQ(memory_.read_object<std::uint32_t>({9}).value(), 0xaaaa'aa00u);
}

TEST_F(GuestMemoryTest, TouchesNothingThatReachesPastItsEnd) {
  std::array<std::byte, 8> data{};
  data.fill(std::byte{1});
  for (std::uint64_t const address : {kSize - 7, kSize, kSize + 100, ~std::uint64_t{0} - 3}) {
    EXPECT_FALSE(memory_.write({address}, data)) << address;
    EXPECT_FALSE(memory_.read({address}, data)) << address;
    EXPECT_FALSE(memory_.fill({address}, data.size(), std::byte{1})) << address;
  }
  EXPECT_EQ(memory_.read_object<std::uint64_t>({kSize - 8}).value(), 0u);
}

TEST_F(GuestMemoryTest, ASizeThatWrapsAroundIsOutside) {
  EXPECT_FALSE(memory_.fill({8}, ~std::uint64_t{0}, std::byte{1}));
  EXPECT_FALSE(memory_.fill({8}, ~std::uint64_t{0} - 7, std::byte{1}));
  EXPECT_EQ(memory_.host_address({8}, ~std::uint64_t{0}), nullptr);
}

TEST_F(GuestMemoryTest, SaysWhatWasTriedAndWhere) {
  auto const read = memory_.read_object<std::uint64_t>({0x2'0000});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "read 8 bytes at 0x20000: not guest RAM");
}

TEST_F(GuestMemoryTest, AnEmptyAccessAtTheEndIsInside) {
  EXPECT_TRUE(memory_.read({kSize}, {}));
  EXPECT_TRUE(memory_.write({kSize}, {}));
  EXPECT_FALSE(memory_.read({kSize + 1}, {}));
}

TEST_F(GuestMemoryTest, TheHookHearsOfWritesThatHappened) {
  RecordingHook hook;
  memory_.set_write_hook(&hook);
  ASSERT_TRUE(memory_.write_object(GuestAddress{0x1234}, std::uint16_t{1}));
  ASSERT_TRUE(memory_.fill({0x2000}, 64, std::byte{0}));
  EXPECT_FALSE(memory_.write_object(GuestAddress{kSize}, std::uint16_t{1}));
  EXPECT_TRUE(memory_.read_object<std::uint16_t>({0x1234}));
  memory_.set_write_hook(nullptr);
  ASSERT_TRUE(memory_.write_object(GuestAddress{0x1234}, std::uint16_t{1}));
  EXPECT_THAT(hook.writes, ElementsAre(std::pair(0x1234, 2), std::pair(0x2000, 64)));
}

TEST_F(GuestMemoryTest, ItsFileHoldsTheSameBytes) {
  ASSERT_TRUE(memory_.write_object(GuestAddress{kPageSize}, std::uint32_t{7}));
  std::uint32_t value = 0;
  ASSERT_EQ(::pread(memory_.file().get(), &value, sizeof value, kPageSize),
            static_cast<ssize_t>(sizeof value));
  EXPECT_EQ(value, 7u);
}

TEST(GuestMemoryCreate, RefusesSizesThatCannotBe) {
  for (std::uint64_t const size :
       {std::uint64_t{0}, std::uint64_t{1}, kPageSize + 1, kHuge + kPageSize, ~std::uint64_t{0}}) {
    auto const memory = GuestMemory::create(size);
    ASSERT_FALSE(memory) << size;
    EXPECT_EQ(memory.error().code, Errc::Invalid);
    EXPECT_NE(memory.error().message.find(std::to_string(size)), std::string::npos);
  }
}

TEST(GuestMemoryCreate, HugePagesNeedWholeOnes) {
  EXPECT_FALSE(GuestMemory::create(kPageSize, HugePages::Explicit2M));
}

TEST(GuestMemoryCreate, TransparentHugePagesAreAWishTheHostMayIgnore) {
  auto memory = GuestMemory::create(4u << 20, HugePages::Transparent);
  ASSERT_TRUE(memory);
  EXPECT_TRUE(memory->fill({0}, memory->size(), std::byte{1}));
}

TEST(GuestMemoryHole, SplitsMemoryThatReachesTheDevices) {
  // Nothing but two pages of it is touched, so the host gives it no more memory than that.
  auto memory = GuestMemory::create(kLowMemoryEnd.value + 2 * kPageSize).value();
  auto const regions = memory.regions();
  ASSERT_EQ(regions.size(), 2u);
  EXPECT_EQ(regions[0].end(), kLowMemoryEnd);
  EXPECT_EQ(regions[1].start, kHighMemoryStart);
  EXPECT_EQ(regions[1].size, 2 * kPageSize);
  EXPECT_EQ(regions[1].file_offset, kLowMemoryEnd.value);

  EXPECT_FALSE(memory.read_object<std::uint8_t>(kLowMemoryEnd));
  EXPECT_FALSE(memory.read_object<std::uint8_t>({kHighMemoryStart.value - 1}));
  EXPECT_TRUE(memory.write_object(kHighMemoryStart, std::uint64_t{5}));
  EXPECT_FALSE(memory.read_object<std::uint64_t>({kLowMemoryEnd.value - 4}));
  EXPECT_FALSE(memory.read_object<std::uint8_t>({kHighMemoryStart.value + 2 * kPageSize}));
}

TEST(GuestMemoryHole, IsNotThereInSmallMemory) {
  auto const memory = GuestMemory::create(kSize).value();
  EXPECT_EQ(memory.regions().size(), 1u);
}

TEST(GuestMemoryMove, KeepsTheBytesWhereTheyWere) {
  auto from = GuestMemory::create(kSize).value();
  std::byte* const host = from.host_address({0}, kSize);
  GuestMemory const to = std::move(from);
  EXPECT_EQ(to.host_address({0}, kSize), host);
}

}  // namespace
}  // namespace bh::vmm
