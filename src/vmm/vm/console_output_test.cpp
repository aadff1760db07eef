#include "vmm/vm/console_output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <optional>
#include <string>

#include "os/unique_fd.h"

namespace bh::vmm {
namespace {

using std::chrono::milliseconds;

class ConsoleOutputTest : public testing::Test {
 protected:
  ConsoleOutputTest() {
    ::signal(SIGPIPE, SIG_IGN);
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    reader_.reset(ends[0]);
    writer_.reset(ends[1]);
  }

  std::string read_some(std::size_t most) {
    std::string text(most, '\0');
    ssize_t const count = ::read(reader_.get(), text.data(), text.size());
    text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return text;
  }
  static void put(ConsoleOutput& output, std::string_view text) {
    for (char const letter : text) output.put(static_cast<std::byte>(letter));
  }

  std::atomic<int> closed_ = 0;
  os::UniqueFd reader_;
  os::UniqueFd writer_;
};

TEST_F(ConsoleOutputTest, WritesWhatIsPutInOrder) {
  ConsoleOutput output(writer_.get(), [this] { ++closed_; });
  put(output, "hello ");
  put(output, "world");
  EXPECT_TRUE(output.drain(milliseconds(10'000)));
  EXPECT_EQ(read_some(100), "hello world");
}

TEST_F(ConsoleOutputTest, HoldsWritersBackUntilTheReaderReads) {
  // More than pipe and queue hold together, from a writer that honours full().
  std::string const sent(600'000, 'x');
  std::string received;
  ConsoleOutput output(writer_.get(), [this] { ++closed_; });
  std::size_t most_pending = 0;
  {
    std::jthread const guest([&](std::stop_token stop) {
      for (char const letter : sent) {
        output.put(static_cast<std::byte>(letter));
        if (output.full()) {
          ++most_pending;
          output.wait_for_room(stop);
        }
      }
    });
    while (received.size() < sent.size()) received += read_some(10'000);
  }
  EXPECT_EQ(received, sent);
  EXPECT_GT(most_pending, 0u);
}

TEST_F(ConsoleOutputTest, LetsAWaitingWriterGoWhenItIsStopped) {
  ConsoleOutput output(writer_.get(), [this] { ++closed_; });
  put(output, std::string(ConsoleOutput::kLimit + 100'000, 'x'));
  std::stop_source stop;
  stop.request_stop();
  output.wait_for_room(stop.get_token());
  EXPECT_TRUE(output.full());
}

TEST_F(ConsoleOutputTest, EndsAlthoughNobodyReads) {
  std::optional<ConsoleOutput> output;
  output.emplace(writer_.get(), [] {});
  put(*output, std::string(300'000, 'x'));
  EXPECT_FALSE(output->drain(milliseconds(1)));
  output.reset();
  EXPECT_FALSE(output.has_value());
}

TEST_F(ConsoleOutputTest, TellsThatTheReaderIsGoneAndDropsOutput) {
  reader_.reset();
  ConsoleOutput output(writer_.get(), [this] { ++closed_; });
  put(output, "nobody");
  EXPECT_TRUE(output.drain(milliseconds(10'000)));
  EXPECT_EQ(output.first_error(), EPIPE);
  EXPECT_EQ(closed_, 1);
}

TEST_F(ConsoleOutputTest, WritesToANonBlockingPipeWithoutLoss) {
  ASSERT_EQ(::fcntl(writer_.get(), F_SETFL, O_NONBLOCK), 0);
  std::string const sent(200'000, 'y');
  ConsoleOutput output(writer_.get(), [this] { ++closed_; });
  put(output, sent);
  std::string received;
  while (received.size() < sent.size()) received += read_some(50'000);
  EXPECT_EQ(received, sent);
}

}  // namespace
}  // namespace bh::vmm
