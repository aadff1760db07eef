#include "vmm/boot/decompress/decompress.h"

#include <gtest/gtest.h>

#include <functional>

#include "vmm/boot/testing/packers.h"

namespace bh::vmm::boot {
namespace {

struct Packer {
  char const* name;
  std::function<Packed(std::span<std::byte const>)> pack;
};

/// Not constant, not random, with 0xe8 bytes that the x86 branch filter turns about.
std::vector<std::byte> sample(std::size_t size) {
  std::vector<std::byte> data(size);
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < size; ++i) {
    state = state * 1664525 + 1013904223;
    data[i] = i % 7 == 0 ? std::byte{0xe8} : static_cast<std::byte>(state >> 28);
  }
  return data;
}

class DecompressTest : public testing::TestWithParam<Packer> {
 protected:
  Result<> unpack(std::span<std::byte const> packed, std::size_t size) {
    out_.assign(size, std::byte{0});
    return decompress(packed, out_);
  }

  std::vector<std::byte> const data_ = sample(100'000);
  Packed packed_ = GetParam().pack(data_);
  std::vector<std::byte> out_;
};

TEST_P(DecompressTest, GivesBackWhatWasPacked) {
  auto const done = unpack(packed_, data_.size());
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(out_, data_);
}

TEST_P(DecompressTest, IgnoresTheSizeAppendedBehindTheStream) {
  packed_.insert(packed_.end(), 4, std::byte{0x17});
  auto const done = unpack(packed_, data_.size());
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(out_, data_);
}

TEST_P(DecompressTest, RefusesAStreamThatMakesMoreThanPromised) {
  auto const done = unpack(packed_, data_.size() / 2);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::Corrupt);
}

TEST_P(DecompressTest, RefusesAStreamThatMakesLessThanPromised) {
  auto const done = unpack(packed_, data_.size() + 1);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::Corrupt);
}

TEST_P(DecompressTest, RefusesTruncatedStreams) {
  for (std::size_t const size : {std::size_t{7}, packed_.size() / 2, packed_.size() - 9}) {
    auto const done = unpack(std::span(packed_).first(size), data_.size());
    ASSERT_FALSE(done) << size;
    EXPECT_EQ(done.error().code, Errc::Corrupt) << done.error().message;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Formats, DecompressTest,
    testing::Values(Packer{"Gzip", pack_gzip},
                    Packer{"XzWithoutCheck",
                           [](auto data) { return pack_xz(data, XzCheck::None); }},
                    Packer{"XzWithCrc32", [](auto data) { return pack_xz(data, XzCheck::Crc32); }},
                    Packer{"Zstd", pack_zstd}, Packer{"Lz4", pack_lz4}),
    [](auto const& info) { return info.param.name; });

TEST(Lz4Test, JoinsBlocksOfEightMib) {
  auto const data = sample((8u << 20) + 12345);
  std::vector<std::byte> out(data.size());
  ASSERT_TRUE(decompress(pack_lz4(data), out));
  EXPECT_EQ(out, data);
}

TEST(DecompressErrors, NameTheFormatThatIsNotSupported) {
  for (auto const& [magic, message] : {
           std::pair{"BZh91AY", "bzip2 compression is not supported (gzip, xz, zstd and lz4 are)"},
           std::pair{"\x89LZO\0\0\0",
                     "lzo compression is not supported (gzip, xz, zstd and lz4 are)"},
           std::pair{"garbage", "the payload is in no known compression format"},
       }) {
    std::vector<std::byte> out(10);
    auto const done = decompress(std::as_bytes(std::span(magic, 7)), out);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().message, message);
  }
}

}  // namespace
}  // namespace bh::vmm::boot
