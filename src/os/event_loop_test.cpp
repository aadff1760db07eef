#include "os/event_loop.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>

#include "os/unique_fd.h"

namespace bh::os {
namespace {

using std::chrono::milliseconds;

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    output = UniqueFd(ends[0]);
    input = UniqueFd(ends[1]);
  }
  UniqueFd output;
  UniqueFd input;
};

TEST(EventLoop, CallsWhoWaits) {
  EventLoop loop;
  Pipe pipe;
  char letter = 0;
  loop.watch(pipe.output.get(), POLLIN, [&](short) {
    EXPECT_EQ(::read(pipe.output.get(), &letter, 1), 1);
    loop.stop();
  });
  EXPECT_EQ(::write(pipe.input.get(), "x", 1), 1);
  EXPECT_TRUE(loop.run());
  EXPECT_EQ(letter, 'x');
}

TEST(EventLoop, CallsNobodyWhoWasForgottenMeanwhile) {
  EventLoop loop;
  Pipe first;
  Pipe second;
  int calls = 0;
  auto const handler = [&](short) {
    ++calls;
    loop.forget(first.output.get());
    loop.forget(second.output.get());
    loop.stop();
  };
  loop.watch(first.output.get(), POLLIN, handler);
  loop.watch(second.output.get(), POLLIN, handler);
  first.input.reset();
  second.input.reset();
  EXPECT_TRUE(loop.run());
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, KeepsTimes) {
  EventLoop loop;
  std::string order;
  loop.after(milliseconds(2), [&] {
    order += "b";
    loop.stop();
  });
  loop.after(milliseconds(0), [&] { order += "a"; });
  auto const never = loop.after(milliseconds(1), [&] { order += "x"; });
  loop.cancel(never);
  EXPECT_TRUE(loop.run());
  EXPECT_EQ(order, "ab");
}

}  // namespace
}  // namespace bh::os
