#include "machine/wire/frame.h"

#include <gtest/gtest.h>

namespace bh::machine::wire {
namespace {

TEST(Frame, ArrivesInPieces) {
  auto const bytes = encode(FrameType::Output, "hello") + encode(FrameType::Input);
  FrameReader reader;
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) reader.add(bytes.substr(i, 1));
  auto const first = *reader.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->type, FrameType::Output);
  EXPECT_EQ(first->payload, "hello");
  EXPECT_FALSE(*reader.next());
  reader.add(bytes.substr(bytes.size() - 1));
  auto const second = *reader.next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->type, FrameType::Input);
  EXPECT_EQ(second->payload, "");
}

TEST(Frame, IsRefusedBeforeItsPayloadArrives) {
  FrameReader longest;
  longest.add(std::string_view("\x04\x00\x00\x01\x00", 5));
  EXPECT_TRUE(longest.next());
  FrameReader longer;
  longer.add(std::string_view("\x04\x01\x00\x01\x00", 5));
  EXPECT_EQ(longer.next().error().code, Errc::Corrupt);
  FrameReader unknown;
  unknown.add(std::string_view("\x09\x00\x00\x00\x00", 5));
  EXPECT_EQ(unknown.next().error().code, Errc::Corrupt);
}

TEST(Frame, HasSizesAndBytes) {
  FrameReader reader;
  reader.add(encode(WindowSize{.rows = 24, .columns = 300}));
  auto const frame = **reader.next();
  EXPECT_EQ(frame.type, FrameType::Resize);
  auto const size = decode_size(frame.payload);
  ASSERT_TRUE(size);
  EXPECT_EQ(size->rows, 24);
  EXPECT_EQ(size->columns, 300);
  EXPECT_FALSE(decode_size("abc"));
  EXPECT_EQ(decode_byte("\xff"), 255);
  EXPECT_FALSE(decode_byte(""));
}

}  // namespace
}  // namespace bh::machine::wire
