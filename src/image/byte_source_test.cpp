#include "image/byte_source.h"

#include <gtest/gtest.h>

#include <string>

#include "image/testing/tar_builder.h"

namespace bh::image {
namespace {

/// One byte at a time, as slow peers send.
class SlowSource final : public ByteSource {
 public:
  explicit SlowSource(std::string text) : text_(std::move(text)) {}

  Result<std::size_t> read(std::span<std::byte> out) override {
    if (at_ == text_.size()) return 0;
    out[0] = static_cast<std::byte>(text_[at_++]);
    return 1;
  }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

/// All of it, or "error: " and why not.
std::string unpacked(std::string const& text) {
  auto source = decompressed(std::make_unique<SlowSource>(text));
  if (!source) return "error: " + source.error().message;
  std::string out;
  std::string piece(1000, '\0');
  while (true) {
    auto const count = (*source)->read(std::as_writable_bytes(std::span(piece)));
    if (!count) return "error: " + count.error().message;
    if (*count == 0) return out;
    out += piece.substr(0, *count);
  }
}

std::string long_text() {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += std::to_string(i * i);
  return text;
}

TEST(Decompressed, TellsTheCompressionByItsFirstBytes) {
  EXPECT_EQ(unpacked(long_text()), long_text());
  EXPECT_EQ(unpacked(gzipped(long_text())), long_text());
  EXPECT_EQ(unpacked(zstd_compressed(long_text())), long_text());
  EXPECT_EQ(unpacked(""), "");
  EXPECT_EQ(unpacked("x"), "x");
}

TEST(Decompressed, ReadsMembersOneAfterTheOther) {
  EXPECT_EQ(unpacked(gzipped("one ") + gzipped("two")), "one two");
  EXPECT_EQ(unpacked(gzipped("one ") + gzipped("") + gzipped("two") + std::string(9, '\0')),
            "one two");
  EXPECT_EQ(unpacked(zstd_compressed("one ") + zstd_compressed("two")), "one two");
}

TEST(Decompressed, RefusesWhatEndsEarlyOrIsDamaged) {
  auto const gzip = gzipped(long_text());
  auto const zstd = zstd_compressed(long_text());
  EXPECT_EQ(unpacked(gzip.substr(0, gzip.size() - 3)), "error: gzip data ends early");
  EXPECT_EQ(unpacked(gzip.substr(0, 4)), "error: gzip data ends early");
  EXPECT_EQ(unpacked(zstd.substr(0, zstd.size() - 3)), "error: zstd data ends early");
  EXPECT_EQ(unpacked(gzip + "x"), "error: bytes after the gzip data");
  auto damaged = gzip;
  damaged[gzip.size() - 6] ^= 1;  // In the checksum.
  EXPECT_TRUE(unpacked(damaged).starts_with("error: wrong gzip data"));
  damaged = zstd;
  damaged[4] ^= 8;
  EXPECT_TRUE(unpacked(damaged).starts_with("error: wrong zstd data"));
}

TEST(Decompressed, SaysWhichCompressionsThereAre) {
  EXPECT_EQ(unpacked("BZh91AY&SY"), "error: layers are gzip, zstd or plain tar; unpack it first");
}

}  // namespace
}  // namespace bh::image
