#include "image/platform.h"

#include <gtest/gtest.h>

namespace bh::image {
namespace {

TEST(Platform, IsReadInTheWordsOfGoAndOfUname) {
  EXPECT_EQ(Platform::parse("linux/amd64")->text(), "linux/amd64");
  EXPECT_EQ(Platform::parse("x86_64")->text(), "linux/amd64");
  EXPECT_EQ(Platform::parse("linux/aarch64")->text(), "linux/arm64");
  EXPECT_EQ(Platform::parse("armhf")->text(), "linux/arm/v7");
  for (auto const* text : {"", "/", "a/", "a/b/c/d", "Linux/amd64", "a b"}) {
    EXPECT_FALSE(Platform::parse(text)) << text;
  }
}

TEST(Platform, FitsWhereItsVariantIsNotAnother) {
  auto const fits = [](char const* one, char const* other) {
    return Platform::parse(one)->fits(*Platform::parse(other));
  };
  EXPECT_TRUE(fits("linux/arm64/v8", "linux/arm64"));
  EXPECT_TRUE(fits("linux/arm", "linux/arm/v7"));
  EXPECT_FALSE(fits("linux/arm/v6", "linux/arm/v7"));
  EXPECT_FALSE(fits("linux/amd64", "linux/arm64"));
  EXPECT_FALSE(fits("windows/amd64", "linux/amd64"));
}

TEST(Platform, OfThisHostIsLinux) {
  EXPECT_EQ(Platform::host().os, "linux");
  EXPECT_FALSE(Platform::host().architecture.empty());
}

}  // namespace
}  // namespace bh::image
