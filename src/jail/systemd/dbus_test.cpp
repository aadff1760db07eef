#include "jail/systemd/dbus.h"

#include <gtest/gtest.h>

namespace bh::jail {
namespace {

TEST(Dbus, ACallReadsBackAsItWasWritten) {
  DbusWriter body;
  body.text("unit").text("mode");
  auto const bytes = dbus_call(7, "/a/b", "x.Y", "Do", "ss", body.bytes());
  EXPECT_EQ(dbus_message_size(bytes.substr(0, kDbusFixedHeader)).value(), bytes.size());
  auto const message = parse_dbus_message(bytes);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(message->kind, DbusMessage::Kind::Call);
  EXPECT_EQ(message->member, "Do");
  EXPECT_EQ(message->signature, "ss");
  DbusReader reader(message->body);
  EXPECT_EQ(reader.text(), "unit");
  EXPECT_EQ(reader.text(), "mode");
  EXPECT_TRUE(reader.good());
  EXPECT_EQ(reader.text(), "");
  EXPECT_FALSE(reader.good());
}

TEST(Dbus, TheLengthOfAnArrayLeavesOutThePaddingBeforeIt) {
  DbusWriter out;
  auto const opened = out.open_array(8);
  out.natural64(5);
  out.close_array(opened);
  EXPECT_EQ(out.bytes().size(), 16U);
  EXPECT_EQ(out.bytes()[0], 8);
}

TEST(Dbus, RefusesWhatIsTruncatedAtEveryByte) {
  auto const bytes = dbus_call(7, "/a/b", "x.Y", "Do", "s", DbusWriter().text("unit").bytes());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(parse_dbus_message(bytes.substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace bh::jail
