#include "vmm/loop/worker.h"

#include <gtest/gtest.h>

#include <thread>

#include "vmm/loop/event.h"
#include "vmm/loop/timer.h"

namespace bh::vmm {
namespace {

TEST(Worker, RunsTasksInOrderOnItsOwnThread) {
  auto const worker = std::move(Worker::start("test").value());
  std::vector<int> seen;
  std::thread::id thread;
  worker->post([&] { seen.push_back(1); });
  worker->post([&] { seen.push_back(2); });
  worker->run_and_wait([&] {
    seen.push_back(3);
    thread = std::this_thread::get_id();
  });
  EXPECT_EQ(seen, (std::vector{1, 2, 3}));
  EXPECT_NE(thread, std::this_thread::get_id());
}

TEST(Worker, MayWaitForItself) {
  auto const worker = std::move(Worker::start("test").value());
  bool inner = false;
  worker->run_and_wait([&] { worker->run_and_wait([&] { inner = true; }); });
  EXPECT_TRUE(inner);
}

TEST(Worker, RunsWhatWasPostedBeforeItEnds) {
  bool ran = false;
  {
    auto const worker = std::move(Worker::start("test").value());
    worker->post([&] { ran = true; });
  }
  EXPECT_TRUE(ran);
}

TEST(Timer, WakesALoop) {
  auto loop = std::move(DeviceLoop::create().value());
  auto timer = std::move(Timer::create().value());
  int times = 0;
  ASSERT_TRUE(loop.watch(timer.fd().get(), [&] {
    timer.clear();
    if (++times == 2) loop.quit();
  }));
  timer.set_period(std::chrono::microseconds(100));
  ASSERT_TRUE(loop.run());
  EXPECT_EQ(times, 2);
}

TEST(DeviceLoop, TellsWhenADescriptorTakesMore) {
  auto loop = std::move(DeviceLoop::create().value());
  auto event = std::move(create_event().value());
  int calls = 0;
  ASSERT_TRUE(loop.watch(event.get(), DeviceLoop::Interest::Write, [&] {
    ++calls;
    loop.change(event.get(), DeviceLoop::Interest::None);
    loop.quit();
  }));
  ASSERT_TRUE(loop.run());
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace bh::vmm
