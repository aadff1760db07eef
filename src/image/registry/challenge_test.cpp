#include "image/registry/challenge.h"

#include <gtest/gtest.h>

namespace bh::image::registry {
namespace {

TEST(Challenge, IsReadWithItsParameters) {
  auto const all = parse_challenges(
      R"(Bearer realm="https://auth.example.com/token",service="registry.example.com",)"
      R"(scope="repository:a/b:pull,push", Basic realm="a \"b\"")");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].scheme, "bearer");
  EXPECT_EQ(all[0].parameter("realm"), "https://auth.example.com/token");
  EXPECT_EQ(all[0].parameter("scope"), "repository:a/b:pull,push");
  EXPECT_EQ(all[0].parameter("absent"), "");
  EXPECT_EQ(all[1].scheme, "basic");
  EXPECT_EQ(all[1].parameter("realm"), "a \"b\"");
}

TEST(Challenge, ThatCannotBeReadEndsTheList) {
  EXPECT_TRUE(parse_challenges("").empty());
  EXPECT_TRUE(parse_challenges("realm=\"x\"").empty());
  auto const cut = parse_challenges("Basic realm=\"x");
  ASSERT_EQ(cut.size(), 1u);
  EXPECT_TRUE(cut[0].parameters.empty());
}

}  // namespace
}  // namespace bh::image::registry
