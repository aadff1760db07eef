#include "machine/probe.h"

#include <gtest/gtest.h>

namespace bh::machine {
namespace {

using std::chrono::milliseconds;

TEST(MachineProbe, IsReadFromItsOption) {
  auto const http =
      *parse_probe_option("http=8080/health?a=b,interval=5s,retries=2,action=restart");
  EXPECT_EQ(http.kind, ProbeKind::Http);
  EXPECT_EQ(http.port, 8080);
  EXPECT_EQ(http.path, "/health?a=b");
  EXPECT_EQ(http.interval, milliseconds(5000));
  EXPECT_EQ(http.action, ProbeAction::Restart);
  auto const exec = *parse_probe_option("timeout=1s,exec=test -e /x, and more=1");
  EXPECT_EQ(exec.words.back(), "test -e /x, and more=1");
  EXPECT_EQ(exec.timeout, milliseconds(1000));
  EXPECT_EQ(parse_probe_option("tcp=80")->port, 80);
  EXPECT_EQ(parse_probe_option("http=80")->path, "/");
}

TEST(MachineProbe, RefusesWhatIsNone) {
  for (auto const* const text : {"", "interval=1s", "tcp=0", "tcp=80/x", "tcp=x", "http=80/a b",
                                 "exec=", "tcp=80,interval=5", "tcp=80,action=kill", "udp=1",
                                 "tcp=80,retries=0", "http=80/a\r\nb"}) {
    EXPECT_EQ(parse_probe_option(text).error().code, Errc::Invalid) << text;
  }
}

TEST(MachineProbe, IsTheSameAfterJson) {
  for (auto const* const text : {"http=80/x,action=restart", "tcp=1,timeout=1ms", "exec=a b"}) {
    auto const probe = *parse_probe_option(text);
    EXPECT_EQ(*parse_probe(json_of(probe)), probe);
  }
}

}  // namespace
}  // namespace bh::machine
