#include "guest/sha256.h"

#include <gtest/gtest.h>

namespace bh::bench {
namespace {

TEST(Sha256, GivesTheDigestOfTheStandardsOneBlockExample) {
  // "abc", a bit 1, zeros, and the length of 24 bits.
  Sha256 hash;
  hash.add({0x61626380, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 24});
  EXPECT_EQ(hash.state(), (Sha256::State{0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223, 0xb00361a3,
                                         0x96177a9c, 0xb410ff61, 0xf20015ad}));
}

}  // namespace
}  // namespace bh::bench
