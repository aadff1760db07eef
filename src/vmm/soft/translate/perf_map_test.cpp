#include "vmm/soft/translate/perf_map.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

namespace bh::vmm::soft {
namespace {

TEST(PerfMapTest, IsInTheFormatOfPerfAndForItsUserAlone) {
  auto const path = "/tmp/perf-" + std::to_string(::getpid()) + ".map";
  auto const map = PerfMap::create();
  ASSERT_TRUE(map) << map.error().message;
  (*map)->add(0x7f00'0000'1000, 0x2a, 0xffff'ffff'8100'0010, false);
  (*map)->add(0x7f00'0000'2000, 16, 0x40'1000, true);
  std::ifstream file(path);
  std::string const text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text,
            "7f0000001000 2a guest_kernel_ffffffff81000010\n7f0000002000 10 guest_user_401000\n");
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace bh::vmm::soft
