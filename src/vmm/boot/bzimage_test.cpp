#include "vmm/boot/bzimage.h"

#include <gtest/gtest.h>

#include <functional>

#include "vmm/boot/testing/bzimage_builder.h"
#include "vmm/boot/testing/packers.h"

namespace bh::vmm::boot {
namespace {

class BzImageTest : public testing::Test {
 protected:
  Result<BzImage> open(BzImageBuilder const& builder) {
    return open_bzimage(MemorySource(builder.build()));
  }

  std::vector<std::byte> const kernel_ = std::vector<std::byte>(10'000, std::byte{'k'});
  BzImageBuilder builder_{pack_gzip(kernel_), kernel_.size()};
};

TEST_F(BzImageTest, HoldsTheHeaderAndTheUnpackedKernel) {
  builder_.header.pref_address = 0x1000000;
  auto const image = open(builder_);
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->header.pref_address, 0x1000000u);
  EXPECT_TRUE(std::ranges::equal(image->kernel_bytes(), kernel_));
}

TEST_F(BzImageTest, TakesNoSetupSectorsForFour) {
  auto file = builder_.build();
  // The builder has one setup sector: with three more in between, 0 says where the payload is.
  file.insert(file.begin() + 1024, std::size_t{3} * 512, std::byte{0});
  file[0x1f1] = std::byte{0};
  auto const image = open_bzimage(MemorySource(file));
  ASSERT_TRUE(image) << image.error().message;
}

TEST_F(BzImageTest, ClearsFieldsThatAnOldHeaderDoesNotHave) {
  builder_.header.jump =
      0x5aeb;  // Ends at 0x25c: behind pref_address and the first 4 of init_size.
  builder_.header.init_size = 0x11111111;
  builder_.header.handover_offset = 0x22222222;
  auto const image = open(builder_);
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->header.init_size, 0u);
  EXPECT_EQ(image->header.handover_offset, 0u);
}

TEST_F(BzImageTest, IsRecognisedByBothMagicNumbers) {
  EXPECT_TRUE(is_bzimage(MemorySource(builder_.build())));
  builder_.header.boot_flag = 0;
  EXPECT_FALSE(is_bzimage(MemorySource(builder_.build())));
  EXPECT_FALSE(is_bzimage(MemorySource({})));
}

struct BadImage {
  char const* name;
  std::function<void(BzImageBuilder&)> spoil;
  char const* message;
};

class BadBzImageTest : public BzImageTest, public testing::WithParamInterface<BadImage> {};

TEST_P(BadBzImageTest, IsRefusedWithTheReason) {
  GetParam().spoil(builder_);
  auto const image = open(builder_);
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().message, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    BzImage, BadBzImageTest,
    testing::Values(
        BadImage{"WrongMagic", [](auto& b) { b.header.header = 1; }, "not a bzImage"},
        BadImage{"OldProtocol", [](auto& b) { b.header.version = 0x0207; },
                 "its boot protocol 2.07 is older than 2.08"},
        BadImage{"PayloadOffsetBeyondTheFile",
                 [](auto& b) {
                   b.header.payload_offset = 0xffffffff;
                   b.header.payload_length = 100;
                 },
                 "its payload of 100 bytes at 0x1000003ff does not lie in the file of 2 KiB"},
        BadImage{"PayloadLongerThanTheFile", [](auto& b) { b.header.payload_length = 1u << 31; },
                 "its payload of 2048 MiB at 0x440 does not lie in the file of 2 KiB"},
        BadImage{"EmptyPayload", [](auto& b) { b.header.payload_length = 4; },
                 "its payload of 4 bytes at 0x440 does not lie in the file of 2 KiB"},
        BadImage{"PromisesTooMuch", [](auto& b) { b.promised_size = 0xffffffff; },
                 "its payload claims to unpack to 4096 MiB; at most 512 MiB is allowed"},
        BadImage{"PromisesNothing", [](auto& b) { b.promised_size = 0; },
                 "its payload claims to unpack to 0 bytes; at most 512 MiB is allowed"},
        BadImage{"PromisesLessThanItHas", [](auto& b) { b.promised_size = 9'999; },
                 "gzip: more data than the image promises"},
        BadImage{"PromisesMoreThanItHas", [](auto& b) { b.promised_size = 10'001; },
                 "gzip: 10000 bytes came out where the image promises 10001"}),
    [](auto const& info) { return info.param.name; });

TEST_F(BzImageTest, RefusesEveryTruncation) {
  auto const file = builder_.build();
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(open_bzimage(MemorySource(std::span(file).first(size)))) << size;
  }
}

TEST_F(BzImageTest, StopsABombAtThePromisedSize) {
  std::vector<std::byte> const zeros(64u << 20);
  BzImageBuilder const bomb(pack_zstd(zeros), 4096);
  auto const image = open(bomb);
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().code, Errc::Corrupt);
}

}  // namespace
}  // namespace bh::vmm::boot
