#include "vmm/vm/console_input.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>

#include "os/file.h"
#include "vmm/loop/event.h"
#include "vmm/vm/testing/pipe.h"

namespace bh::vmm {
namespace {

/// A loop that ends at the switch, a port that reads what `fd` gives, and the guest's side of it.
class ConsoleInputTest : public ::testing::Test {
 protected:
  ConsoleInputTest() {
    EXPECT_TRUE(loop_.watch(stop_.event().get(), [this] { loop_.quit(); }));
    write_port(4, 0x0b);  // The guest receives.
  }

  std::unique_ptr<ConsoleInput> start(int fd, ConsoleInput::Escape escape) {
    auto input = ConsoleInput::start(fd, escape, loop_, room_, lock_, port_, stop_);
    EXPECT_TRUE(input);
    return input ? std::move(*input) : nullptr;
  }
  /// Lets the loop do what is to do now.
  void turn() {
    auto const turned = create_event();
    ASSERT_TRUE(turned);
    // Events of one round come in the order they became ready, so once is not always enough.
    for (int i = 0; i < 8; ++i) {
      signal_event(*turned);
      ASSERT_TRUE(loop_.watch(turned->get(), [this] { loop_.quit(); }));
      ASSERT_TRUE(loop_.run());
      loop_.forget(turned->get());
    }
  }
  void write_port(std::uint64_t offset, std::uint8_t value) {
    std::array const data{std::byte{value}};
    port_.write(offset, data);
  }
  /// All the guest can read now.
  std::string guest_reads() {
    std::string text;
    while (true) {
      std::array<std::byte, 1> data{};
      port_.read(5, data);
      if ((data[0] & std::byte{1}) == std::byte{0}) return text;
      port_.read(0, data);
      text += std::to_integer<char>(data[0]);
    }
  }

  DeviceLoop loop_ = std::move(DeviceLoop::create().value());
  StopSwitch stop_ = std::move(StopSwitch::create().value());
  os::UniqueFd room_ = std::move(create_event().value());
  Mutex lock_;
  Serial port_{[](std::byte) {}, [](LineLevel) {}, [this] { signal_event(room_); }};
  testing::Pipe pipe_;
};

TEST_F(ConsoleInputTest, GivesTheGuestWhatIsTyped) {
  auto const input = start(pipe_.reader.get(), ConsoleInput::Escape::None);
  ASSERT_TRUE(pipe_.write("ls\x01x\n"));
  turn();
  EXPECT_EQ(guest_reads(), "ls\x01x\n");
  EXPECT_FALSE(stop_.stopped());
}

TEST_F(ConsoleInputTest, StopsTheMachineAtTheEscape) {
  auto const input = start(pipe_.reader.get(), ConsoleInput::Escape::ControlA);
  ASSERT_TRUE(pipe_.write("ls\x01x"));
  turn();
  EXPECT_TRUE(stop_.stopped());
  EXPECT_EQ(guest_reads(), "ls");
}

TEST_F(ConsoleInputTest, LeavesUnreadWhatTheGuestDoesNotTake) {
  auto const input = start(pipe_.reader.get(), ConsoleInput::Escape::None);
  std::string sent;
  for (char letter = 'a'; letter < 'e'; ++letter) {
    std::string const block(30'000, letter);
    ASSERT_TRUE(pipe_.write(block));
    sent += block;
    for (int i = 0; i < 3; ++i) turn();
  }
  EXPECT_LE(port_.input_room(), 1u);
  std::string received;
  for (int i = 0; i < 4; ++i) {
    received += guest_reads();
    for (int j = 0; j < 3; ++j) turn();
  }
  EXPECT_EQ(received, sent);
}

TEST_F(ConsoleInputTest, GoesOnWithoutInputAtTheEndOfThePipe) {
  auto const input = start(pipe_.reader.get(), ConsoleInput::Escape::None);
  ASSERT_TRUE(pipe_.write("last"));
  pipe_.writer.reset();
  turn();
  EXPECT_EQ(guest_reads(), "last");
  EXPECT_FALSE(stop_.stopped());
}

TEST_F(ConsoleInputTest, ReadsRegularFilesToTheirEnd) {
  std::string path = ::testing::TempDir() + "bulkhead-input-XXXXXX";
  os::UniqueFd const file(::mkstemp(path.data()));
  ::unlink(path.c_str());
  std::string const sent(100'000, 'f');
  ASSERT_EQ(::pwrite(file.get(), sent.data(), sent.size(), 0), 100'000);
  auto const input = start(file.get(), ConsoleInput::Escape::None);
  std::string received;
  for (int i = 0; i < 20; ++i) {
    turn();
    received += guest_reads();
  }
  EXPECT_EQ(received, sent);
}

}  // namespace
}  // namespace bh::vmm
