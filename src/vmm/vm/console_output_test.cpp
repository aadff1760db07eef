#include "vmm/vm/console_output.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <optional>
#include <string>

#include "vmm/vm/testing/pipe.h"

namespace bh::vmm {
namespace {

using std::chrono::milliseconds;

class ConsoleOutputTest : public ::testing::Test {
 protected:
  ConsoleOutputTest() { ::signal(SIGPIPE, SIG_IGN); }

  static void put(ConsoleOutput& output, std::string_view text) {
    for (char const letter : text) output.put(static_cast<std::byte>(letter));
  }

  std::atomic<int> closed_ = 0;
  testing::Pipe pipe_;
};

TEST_F(ConsoleOutputTest, WritesWhatIsPutInOrder) {
  ConsoleOutput output(pipe_.writer.get(), [this] { ++closed_; });
  put(output, "hello ");
  put(output, "world");
  EXPECT_TRUE(output.drain(milliseconds(10'000)));
  EXPECT_EQ(pipe_.read_some(100), "hello world");
}

TEST_F(ConsoleOutputTest, HoldsWritersBackUntilTheReaderReads) {
  // More than pipe and queue hold together, from a writer that honours full().
  std::string const sent(600'000, 'x');
  std::string received;
  ConsoleOutput output(pipe_.writer.get(), [this] { ++closed_; });
  std::atomic<bool> held_back = false;
  {
    std::jthread const guest([&](std::stop_token stop) {
      for (char const letter : sent) {
        output.put(static_cast<std::byte>(letter));
        if (output.full()) {
          held_back = true;
          held_back.notify_one();
          output.wait_for_room(stop);
        }
      }
    });
    // Nobody reads yet, so the writer comes to a halt.
    held_back.wait(false);
    while (received.size() < sent.size()) received += pipe_.read_some(10'000);
  }
  EXPECT_EQ(received, sent);
}

TEST_F(ConsoleOutputTest, LetsAWaitingWriterGoWhenItIsStopped) {
  ConsoleOutput output(pipe_.writer.get(), [this] { ++closed_; });
  put(output, std::string(ConsoleOutput::kLimit + 100'000, 'x'));
  std::stop_source stop;
  stop.request_stop();
  output.wait_for_room(stop.get_token());
  EXPECT_TRUE(output.full());
}

TEST_F(ConsoleOutputTest, EndsAlthoughNobodyReads) {
  std::optional<ConsoleOutput> output;
  output.emplace(pipe_.writer.get(), [] {});
  put(*output, std::string(300'000, 'x'));
  EXPECT_FALSE(output->drain(milliseconds(1)));
  output.reset();
  EXPECT_FALSE(output.has_value());
}

TEST_F(ConsoleOutputTest, TellsThatTheReaderIsGoneAndDropsOutput) {
  pipe_.reader.reset();
  ConsoleOutput output(pipe_.writer.get(), [this] { ++closed_; });
  put(output, "nobody");
  EXPECT_TRUE(output.drain(milliseconds(10'000)));
  EXPECT_EQ(output.first_error(), EPIPE);
  EXPECT_EQ(closed_, 1);
}

TEST_F(ConsoleOutputTest, WritesToANonBlockingPipeWithoutLoss) {
  ASSERT_EQ(::fcntl(pipe_.writer.get(), F_SETFL, O_NONBLOCK), 0);
  std::string const sent(200'000, 'y');
  ConsoleOutput output(pipe_.writer.get(), [this] { ++closed_; });
  put(output, sent);
  std::string received;
  while (received.size() < sent.size()) received += pipe_.read_some(50'000);
  EXPECT_EQ(received, sent);
}

}  // namespace
}  // namespace bh::vmm
