#include "base/units.h"

#include <gtest/gtest.h>

namespace bh {
namespace {

TEST(SizeText, RoundsUpToAWholeUnit) {
  EXPECT_EQ(size_text(0), "0 bytes");
  EXPECT_EQ(size_text(1), "1 byte");
  EXPECT_EQ(size_text(1023), "1023 bytes");
  EXPECT_EQ(size_text(1025), "2 KiB");
  EXPECT_EQ(size_text(40 * kMiB), "40 MiB");
  EXPECT_EQ(size_text(40 * kMiB + 1), "41 MiB");
  EXPECT_EQ(size_text(~std::uint64_t{0}), "17592186044416 MiB");
}

TEST(ParseSize, ReadsANumberAndItsUnit) {
  EXPECT_EQ(parse_size("4096").value(), 4096u);
  EXPECT_EQ(parse_size("64K").value(), 64 * kKiB);
  EXPECT_EQ(parse_size("512m").value(), 512 * kMiB);
  EXPECT_EQ(parse_size("2GiB").value(), 2 * kGiB);
  EXPECT_EQ(parse_size("0").value(), 0u);
}

TEST(ParseSize, RefusesWhatIsNoSizeInItsOwnWords) {
  for (auto const* text : {"", "M", "-1", "+1", "1.5G", "1 G", "1T", "12 ", " 12", "0x10", "1MM",
                           "18446744073709551616", "18014398509481984K"}) {
    auto const size = parse_size(text);
    ASSERT_FALSE(size) << text;
    EXPECT_EQ(size.error().code, Errc::Invalid);
    EXPECT_NE(size.error().message.find('"' + std::string(text) + '"'), std::string::npos);
  }
}

}  // namespace
}  // namespace bh
