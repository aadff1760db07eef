#include "base/bytes.h"

#include <gtest/gtest.h>

#include <array>

namespace bh {
namespace {

constexpr std::array kBytes{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}, std::byte{5}};

TEST(Bytes, LoadsAnObjectAtAnyOffset) {
  EXPECT_EQ(load<std::uint16_t>(kBytes, 0), 0x0201);
  EXPECT_EQ(load<std::uint32_t>(kBytes, 1), 0x0504'0302u);
}

TEST(Bytes, LoadsNothingThatReachesPastTheEnd) {
  EXPECT_EQ(load<std::uint32_t>(kBytes, 2), std::nullopt);
  EXPECT_EQ(load<std::uint8_t>(kBytes, 5), std::nullopt);
  EXPECT_EQ(load<std::uint8_t>(kBytes, ~std::size_t{0}), std::nullopt);
}

TEST(Bytes, StoresAnObjectWhereItFitsAndElsewhereNothing) {
  auto bytes = kBytes;
  EXPECT_TRUE(store(bytes, 3, std::uint16_t{0xbbaa}));
  EXPECT_EQ(bytes[3], std::byte{0xaa});
  EXPECT_EQ(bytes[4], std::byte{0xbb});
  EXPECT_FALSE(store(bytes, 4, std::uint16_t{0}));
  EXPECT_FALSE(store(bytes, ~std::size_t{0}, std::uint16_t{0}));
  EXPECT_EQ(bytes[4], std::byte{0xbb});
}

TEST(Bytes, ReadsANumberOfAnyWidth) {
  EXPECT_EQ(load_little_endian(std::span(kBytes).first(0)), 0u);
  EXPECT_EQ(load_little_endian(std::span(kBytes).first(3)), 0x03'02'01u);
  std::array<std::byte, 9> nine{};
  nine[8] = std::byte{9};
  EXPECT_EQ(load_little_endian(nine), 0u);
}

TEST(Bytes, WritesANumberOfAnyWidth) {
  std::array<std::byte, 9> nine;
  nine.fill(std::byte{0xee});
  store_little_endian(nine, 0x1122'3344'5566'7788);
  EXPECT_EQ(nine[0], std::byte{0x88});
  EXPECT_EQ(nine[7], std::byte{0x11});
  EXPECT_EQ(nine[8], std::byte{0});
  store_little_endian(std::span(nine).first(2), 0xabcd);
  EXPECT_EQ(nine[1], std::byte{0xab});
  EXPECT_EQ(nine[2], std::byte{0x66});
}

}  // namespace
}  // namespace bh
