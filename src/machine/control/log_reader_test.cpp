#include "machine/control/log_reader.h"

#include <gtest/gtest.h>

#include "machine/supervise/log_file.h"
#include "os/temporary_folder.h"

namespace bh::machine {
namespace {

TEST(LogReader, ReadsWhatIsAddedAcrossFiles) {
  auto const folder = *os::TemporaryFolder::create("log");
  auto const path = folder.path() + "/console.log";
  auto log = *LogFile::open(path, 100, 5);
  LogReader reader(path);
  std::string seen;
  auto const collect = [&](LogLine const& line) { seen += line.text + (line.ends ? "\n" : "|"); };
  std::string expected;
  for (char letter = 'a'; letter < 'e'; ++letter) {
    ASSERT_TRUE(log.write(Stream::Output, std::string(1, letter) + "\n"));
    ASSERT_TRUE(reader.read(collect));
    expected += std::string(1, letter) + "\n";
    EXPECT_EQ(seen, expected);
  }
  // And all of it from the start.
  seen.clear();
  ASSERT_TRUE(LogReader(path).read(collect));
  EXPECT_EQ(seen, expected);
}

TEST(LogReader, OfAMachineThatNeverRanHasNothing) {
  LogReader reader("/nowhere/console.log");
  EXPECT_TRUE(reader.read([](LogLine const&) { FAIL(); }));
}

TEST(LogReader, KnowsLinesAndNothingElse) {
  auto const line = parse_log_line("2026-01-01T00:00:00.000Z stderr P a b");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->stream, Stream::Error);
  EXPECT_FALSE(line->ends);
  EXPECT_EQ(line->text, "a b");
  for (auto const* const text : {"", "x", "t stdout", "t stdin F x", "t stdout X x"}) {
    EXPECT_FALSE(parse_log_line(text)) << text;
  }
}

}  // namespace
}  // namespace bh::machine
