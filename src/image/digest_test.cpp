#include "image/digest.h"

#include <gtest/gtest.h>

namespace bh::image {
namespace {

constexpr char kOfAbc[] = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Digest, IsSha256) {
  EXPECT_EQ(Digest::of("abc").text(), kOfAbc);
  Hasher hasher;
  hasher.update("a");
  hasher.update("bc");
  EXPECT_EQ(hasher.finish(), Digest::of("abc"));
}

TEST(Digest, ReadsWhatItWrites) {
  auto const digest = Digest::parse(kOfAbc);
  ASSERT_TRUE(digest);
  EXPECT_EQ(digest->text(), kOfAbc);
  EXPECT_EQ(digest->short_hex(), "ba7816bf8f01");
}

TEST(Digest, RefusesWhatIsNone) {
  std::string const good(kOfAbc);
  for (auto const& text :
       {std::string(), std::string("sha256:"), good.substr(0, good.size() - 1), good + "0",
        "sha256:" + std::string(64, 'A'), good.substr(7), "sha256:../" + good.substr(10)}) {
    auto const digest = Digest::parse(text);
    ASSERT_FALSE(digest) << text;
    EXPECT_EQ(digest.error().code, Errc::Invalid);
  }
}

TEST(Digest, SaysWhichAlgorithmsAreNotSupported) {
  auto const digest = Digest::parse("sha512:" + std::string(128, 'a'));
  ASSERT_FALSE(digest);
  EXPECT_EQ(digest.error().code, Errc::Unsupported);
}

}  // namespace
}  // namespace bh::image
