#include "machine/signal_name.h"

#include <gtest/gtest.h>

#include <csignal>

namespace bh::machine {
namespace {

TEST(SignalName, IsReadAsPeopleWriteIt) {
  for (auto const* const text : {"TERM", "SIGTERM", "term", "15"}) {
    EXPECT_EQ(parse_signal(text), SIGTERM) << text;
  }
  EXPECT_EQ(parse_signal("usr1"), SIGUSR1);
}

TEST(SignalName, RefusesOthers) {
  for (auto const* const text : {"", "0", "-1", "999", "SIG", "NOSUCH", "9x"}) {
    EXPECT_EQ(parse_signal(text).error().code, Errc::Invalid) << text;
  }
}

}  // namespace
}  // namespace bh::machine
