#include "vmm/loop/device_loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "os/file.h"
#include "vmm/loop/event.h"

namespace bh::vmm {
namespace {

class DeviceLoopTest : public ::testing::Test {
 protected:
  DeviceLoop loop_ = std::move(DeviceLoop::create().value());
  os::UniqueFd first_ = std::move(create_event().value());
  os::UniqueFd second_ = std::move(create_event().value());
};

TEST_F(DeviceLoopTest, CallsWhoeverHasSomethingToRead) {
  int calls = 0;
  ASSERT_TRUE(loop_.watch(first_.get(), [] { FAIL(); }));
  ASSERT_TRUE(loop_.watch(second_.get(), [&] {
    if (++calls == 3) loop_.quit();
  }));
  signal_event(second_);
  ASSERT_TRUE(loop_.run());
  EXPECT_EQ(calls, 3);
}

TEST_F(DeviceLoopTest, LetsAHandlerForgetItself) {
  int calls = 0;
  ASSERT_TRUE(loop_.watch(first_.get(), [&] {
    ++calls;
    loop_.forget(first_.get());
    signal_event(second_);
  }));
  ASSERT_TRUE(loop_.watch(second_.get(), [&] { loop_.quit(); }));
  signal_event(first_);
  ASSERT_TRUE(loop_.run());
  EXPECT_EQ(calls, 1);
}

TEST_F(DeviceLoopTest, LetsAHandlerReplaceItself) {
  ASSERT_TRUE(loop_.watch(first_.get(), [&] {
    loop_.forget(first_.get());
    ASSERT_TRUE(loop_.watch(first_.get(), [&] { loop_.quit(); }));
  }));
  signal_event(first_);
  ASSERT_TRUE(loop_.run());
}

TEST_F(DeviceLoopTest, SaysThatAFileCannotBeWaitedFor) {
  auto const file = os::open_file("/dev/null", O_RDONLY);
  ASSERT_TRUE(file);
  auto const watched = loop_.watch(file->get(), [] {});
  ASSERT_FALSE(watched);
  EXPECT_EQ(watched.error().code, Errc::Denied);
}

}  // namespace
}  // namespace bh::vmm
