#include "vmm/vm/logger.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>

namespace bh::vmm {
namespace {

class LoggerTest : public testing::Test {
 protected:
  LoggerTest() {
    int const fd = ::mkstemp(path_.data());
    EXPECT_GE(fd, 0);
    ::close(fd);
  }
  ~LoggerTest() override { ::unlink(path_.c_str()); }

  Logger open(LoggerOptions options) {
    options.path = path_;
    options.id = "web1";
    return std::move(Logger::open(std::move(options)).value());
  }
  std::string text() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool matches(std::string const& pattern) const {
    return std::regex_match(text(), std::regex(pattern));
  }

  std::string path_ = testing::TempDir() + "bulkhead-log-XXXXXX";
};

constexpr char kStamp[] = R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9} )";

TEST_F(LoggerTest, WritesTheLineFormatOfFirecracker) {
  open({}).log(LogLevel::Info, "hello");
  EXPECT_TRUE(matches(std::string(kStamp) + R"(\[web1:main\] hello\n)")) << text();
}

TEST_F(LoggerTest, AddsLevelAndOriginWhenAsked) {
  open({.show_level = true, .show_origin = true}).log(LogLevel::Warning, "hello");
  EXPECT_TRUE(
      matches(std::string(kStamp) + R"(\[web1:main:WARN:vmm/vm/logger_test\.cpp:\d+\] hello\n)"))
      << text();
}

TEST_F(LoggerTest, LeavesOutWhatIsLessSevereThanItsLevel) {
  auto logger = open({.level = LogLevel::Warning});
  logger.log(LogLevel::Info, "no");
  EXPECT_EQ(text(), "");
  logger.log(LogLevel::Error, "yes");
  EXPECT_NE(text(), "");
}

TEST_F(LoggerTest, LeavesOutOtherModules) {
  open({.module = "vmm/boot"}).log(LogLevel::Error, "no");
  EXPECT_EQ(text(), "");
  open({.module = "vmm/vm"}).log(LogLevel::Error, "yes");
  EXPECT_NE(text(), "");
}

TEST_F(LoggerTest, KeepsAMessageOnOneLine) {
  open({}).log(LogLevel::Info, "a\nb\x1b[2J");
  EXPECT_NE(text().find("a\\nb\\x1b[2J\n"), std::string::npos) << text();
}

TEST_F(LoggerTest, DropsAFloodFromOnePlace) {
  auto logger = open({});
  for (unsigned i = 0; i < Logger::kBurst + 5; ++i) logger.log(LogLevel::Info, "flood");
  auto const lines = text();
  EXPECT_EQ(std::ranges::count(lines, '\n'), Logger::kBurst);
  EXPECT_EQ(logger.dropped(), 5u);
  logger.log(LogLevel::Info, "elsewhere");
  EXPECT_NE(text().find("elsewhere"), std::string::npos);
}

TEST(Logger, SaysWhichFileItCannotWrite) {
  auto const logger = Logger::open({.path = "/nonexistent/x.log"});
  ASSERT_FALSE(logger);
  EXPECT_EQ(logger.error().message, "open log /nonexistent/x.log: No such file or directory");
}

}  // namespace
}  // namespace bh::vmm
