#include "init/frames.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace bh::init {
namespace {

using machine::wire::FrameType;

void add(FrameBuffer& buffer, std::string const& bytes) {
  ASSERT_LE(bytes.size(), buffer.free_bytes());
  std::memcpy(buffer.free_space(), bytes.data(), bytes.size());
  buffer.added(bytes.size());
}

std::string encode(FrameType type, std::string const& payload) {
  std::string frame(machine::wire::kHeaderBytes, '\0');
  write_header(frame.data(), type, payload.size());
  return frame + payload;
}

// It is too large for a stack.
FrameBuffer buffer;

TEST(FrameBuffer, GivesFramesOneAfterTheOther) {
  buffer = FrameBuffer();
  auto const bytes = encode(FrameType::Input, "hello") + encode(FrameType::Signal, "\x0f");
  add(buffer, bytes.substr(0, 7));
  EXPECT_FALSE(buffer.frame());
  add(buffer, bytes.substr(7));
  ASSERT_TRUE(buffer.frame());
  EXPECT_EQ(buffer.frame()->type, FrameType::Input);
  EXPECT_EQ(buffer.frame()->payload, "hello");
  buffer.drop_frame();
  EXPECT_EQ(buffer.frame()->type, FrameType::Signal);
  buffer.drop_frame();
  EXPECT_FALSE(buffer.frame());
}

TEST(FrameBuffer, HasRoomForTheLongestAndNoLonger) {
  buffer = FrameBuffer();
  add(buffer, encode(FrameType::Input, std::string(machine::wire::kPayloadLimit, 'x')));
  EXPECT_TRUE(buffer.frame());
  EXPECT_EQ(buffer.free_bytes(), 0U);
  buffer = FrameBuffer();
  std::string header(machine::wire::kHeaderBytes, '\0');
  write_header(header.data(), FrameType::Input, machine::wire::kPayloadLimit + 1);
  add(buffer, header);
  EXPECT_TRUE(buffer.broken());
  EXPECT_FALSE(buffer.frame());
}

TEST(Size, IsReadFromFramesAndSettings) {
  EXPECT_EQ(parse_size(std::string("\x18\x00\x2c\x01", 4))->columns, 300);
  EXPECT_FALSE(parse_size("abc"));
  EXPECT_EQ(parse_size_text("24x80")->rows, 24);
  EXPECT_EQ(parse_size_text("24x80")->columns, 80);
  for (auto const* const text : {"", "24", "24x", "x80", "24x80x", "-1x80", "99999x1"}) {
    EXPECT_FALSE(parse_size_text(text)) << text;
  }
}

}  // namespace
}  // namespace bh::init
