#include "base/hex.h"

#include <gtest/gtest.h>

namespace bh {
namespace {

TEST(Hex, WritesAddressesAsMessagesShowThem) {
  EXPECT_EQ(hex(0), "0x0");
  EXPECT_EQ(hex(0x3f8), "0x3f8");
  EXPECT_EQ(hex(~std::uint64_t{0}), "0xffffffffffffffff");
}

}  // namespace
}  // namespace bh
