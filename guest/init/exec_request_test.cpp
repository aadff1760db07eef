#include "init/exec_request.h"

#include <gtest/gtest.h>

#include <string>

namespace bh::init {
namespace {

using namespace std::string_literals;

TEST(ExecRequest, HasACommandAndSettings) {
  static ExecRequest request;
  request.clear();
  ASSERT_TRUE(request.parse("env=A=b\0word=sh\0user=7\0word=-c\0word=\0terminal=1\0"s));
  ASSERT_EQ(request.command().size(), 3U);
  EXPECT_EQ(request.command()[0], "sh");
  EXPECT_EQ(request.command()[1], "-c");
  EXPECT_EQ(request.command()[2], "");
  EXPECT_EQ(request.settings().find("user"), "7");
  EXPECT_EQ(request.settings().find("terminal"), "1");
}

TEST(ExecRequest, WithoutACommandIsNone) {
  for (auto const& payload : {""s, "env=A=b\0"s, "word=\0"s}) {
    static ExecRequest request;
    request.clear();
    EXPECT_FALSE(request.parse(payload));
  }
}

}  // namespace
}  // namespace bh::init
