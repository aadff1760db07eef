#include "vmm/boot/initrd.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "vmm/boot/testing/guest_bytes.h"
#include "vmm/boot/testing/scratch_file.h"

namespace bh::vmm::boot {
namespace {

constexpr std::uint64_t kMib = 1u << 20;

class InitrdTest : public testing::Test {
 protected:
  GuestMemory memory_ = *GuestMemory::create(4 * kMib);
};

TEST_F(InitrdTest, EndsInTheLastPageOfMemory) {
  std::vector<std::byte> const contents(5000, std::byte{'i'});
  ScratchFile const file(contents);
  auto const place = load_initrd(memory_, file.path(), {kMib});
  ASSERT_TRUE(place) << place.error().message;
  EXPECT_EQ(place->address.value, 4 * kMib - 2 * kPageSize);
  EXPECT_EQ(place->size, 5000u);
  EXPECT_EQ(bytes_at(memory_, place->address.value, 5000), contents);
}

TEST_F(InitrdTest, StaysBelowTheGapOfALargeMachine) {
  auto memory = *GuestMemory::create(std::uint64_t{4} << 30);
  ScratchFile const file(std::vector<std::byte>(10));
  auto const place = load_initrd(memory, file.path(), {kMib});
  ASSERT_TRUE(place) << place.error().message;
  EXPECT_EQ(place->address.value, kLowMemoryEnd.value - kPageSize);
}

TEST_F(InitrdTest, MayBeginRightBehindTheKernelButNotBefore) {
  std::vector<std::byte> const contents(kMib);
  ScratchFile const file(contents);
  EXPECT_TRUE(load_initrd(memory_, file.path(), {3 * kMib}));
  auto const refused = load_initrd(memory_, file.path(), {3 * kMib + 1});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "initrd " + file.path() +
                                         " of 1 MiB does not fit into 4 MiB of guest memory (give "
                                         "the machine more memory)");
}

TEST_F(InitrdTest, IsRefusedIfLargerThanMemory) {
  ScratchFile const file(std::vector<std::byte>(4 * kMib + 1));
  auto const refused = load_initrd(memory_, file.path(), {kMib});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::Invalid);
}

TEST_F(InitrdTest, IsRefusedWithItsNameIfMissingEmptyOrNoFile) {
  ScratchFile const empty(std::vector<std::byte>{});
  for (auto const& [path, reason] : {
           std::pair{empty.path(), std::string("the file is empty")},
           std::pair{std::string("/dev/null"), std::string("not a regular file")},
           std::pair{std::string("/tmp"), std::string("not a regular file")},
           std::pair{std::string("/nowhere/initrd"),
                     std::string("open /nowhere/initrd: No such file or directory")},
       }) {
    auto const refused = load_initrd(memory_, path, {kMib});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, fmt::format("initrd {}: {}", path, reason));
  }
}

}  // namespace
}  // namespace bh::vmm::boot
