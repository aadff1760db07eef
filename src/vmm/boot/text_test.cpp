#include "vmm/boot/text.h"

#include <gtest/gtest.h>

namespace bh::vmm::boot {
namespace {

TEST(SizeText, RoundsUpToTheUnit) {
  EXPECT_EQ(size_text(0), "0 bytes");
  EXPECT_EQ(size_text(1023), "1023 bytes");
  EXPECT_EQ(size_text(1025), "2 KiB");
  EXPECT_EQ(size_text(40u << 20), "40 MiB");
  EXPECT_EQ(size_text(~0ull), "17592186044416 MiB");
}

TEST(Hex, HasNoLeadingZeros) {
  EXPECT_EQ(hex(0x1000000), "0x1000000");
}

}  // namespace
}  // namespace bh::vmm::boot
