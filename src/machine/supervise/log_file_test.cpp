#include "machine/supervise/log_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "os/temporary_folder.h"
#include "os/text_file.h"

namespace bh::machine {
namespace {

class MachineLog : public testing::Test {
 protected:
  std::string path() const { return folder_.path() + "/console.log"; }

  /// Lines without their times.
  std::string text(std::string const& suffix = "") const {
    auto const all = os::read_text_at(AT_FDCWD, path() + suffix, 1 << 20);
    std::string lines;
    if (!all) return "none";
    for (std::size_t at = 0; at < all->size();) {
      auto const end = all->find('\n', at);
      auto const blank = all->find(' ', at);
      lines += all->substr(blank + 1, end - blank);
      at = end + 1;
    }
    return lines;
  }

  os::TemporaryFolder folder_ = *os::TemporaryFolder::create("log");
};

TEST_F(MachineLog, KeepsStreamsAndLinesApart) {
  auto log = *LogFile::open(path());
  ASSERT_TRUE(log.write(Stream::Output, "one\ntw"));
  ASSERT_TRUE(log.write(Stream::Error, "oops\n"));
  ASSERT_TRUE(log.write(Stream::Output, "o\n\nrest"));
  ASSERT_TRUE(log.flush());
  EXPECT_EQ(text(), "stdout F one\nstderr F oops\nstdout F two\nstdout F \nstdout P rest\n");
}

TEST_F(MachineLog, CutsLongLines) {
  auto log = *LogFile::open(path());
  ASSERT_TRUE(log.write(Stream::Output, std::string(20'000, 'x') + "\n"));
  EXPECT_EQ(text(), "stdout P " + std::string(16'384, 'x') + "\nstdout F " +
                        std::string(20'000 - 16'384, 'x') + "\n");
}

TEST_F(MachineLog, KeepsAFewFullFiles) {
  auto log = *LogFile::open(path(), 100, 2);
  for (auto const* const line : {"a", "b", "c", "d", "e"}) {
    ASSERT_TRUE(log.write(Stream::Output, line + std::string("\n")));
  }
  EXPECT_EQ(text(), "stdout F e\n");
  EXPECT_EQ(text(".1"), "stdout F c\nstdout F d\n");
  EXPECT_FALSE(std::filesystem::exists(path() + ".2"));
}

TEST_F(MachineLog, GoesOnWhereItWas) {
  {
    ASSERT_TRUE(LogFile::open(path())->write(Stream::Output, "one\n"));
  }
  {
    ASSERT_TRUE(LogFile::open(path())->write(Stream::Output, "two\n"));
  }
  EXPECT_EQ(text(), "stdout F one\nstdout F two\n");
}

}  // namespace
}  // namespace bh::machine
