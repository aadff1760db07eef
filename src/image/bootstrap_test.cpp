#include "image/bootstrap.h"

#include <gtest/gtest.h>

namespace bh::image {
namespace {

TEST(DebianSuite, IsKnownByNumberAndName) {
  EXPECT_EQ(debian_suite("12").value(), "bookworm");
  EXPECT_EQ(debian_suite("trixie").value(), "trixie");
  EXPECT_EQ(debian_suite("latest").value(), "stable");
  for (auto const* version : {"", "99", "--help", "a b", "12;x"}) {
    EXPECT_FALSE(debian_suite(version)) << version;
  }
}

}  // namespace
}  // namespace bh::image
