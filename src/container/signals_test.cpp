#include "container/signals.h"

#include <gtest/gtest.h>

#include <csignal>

namespace bh::container {
namespace {

TEST(Signals, AreNumbersAndNames) {
  EXPECT_EQ(parse_signal("9").value(), SIGKILL);
  EXPECT_EQ(parse_signal("0").value(), 0);
  EXPECT_EQ(parse_signal("TERM").value(), SIGTERM);
  EXPECT_EQ(parse_signal("SIGHUP").value(), SIGHUP);
  EXPECT_EQ(parse_signal("sigusr1").value(), SIGUSR1);
  EXPECT_EQ(parse_signal("RTMIN+3").value(), SIGRTMIN + 3);
  EXPECT_EQ(parse_signal("SIGRTMAX-1").value(), SIGRTMAX - 1);
}

TEST(Signals, AreNothingElse) {
  for (auto const* const text : {"", "65", "-1", "9x", "SIG", "NOTHING", "RTMIN+99", " 9"}) {
    EXPECT_FALSE(parse_signal(text)) << text;
  }
}

}  // namespace
}  // namespace bh::container
