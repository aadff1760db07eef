#include "vmm/vm/platform.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <array>

#include "base/bytes.h"
#include "vmm/loop/event.h"
#include "vmm/vm/testing/fake_engine.h"
#include "vmm/vm/testing/pipe.h"

namespace bh::vmm {
namespace {

class PlatformTest : public ::testing::Test {
 protected:
  void out(std::uint16_t port, std::uint8_t value) {
    std::array const data{std::byte{value}};
    platform_->ports().write(port, data);
  }
  std::uint8_t in(std::uint16_t port) {
    std::array<std::byte, 1> data{};
    platform_->ports().read(port, data);
    return std::to_integer<std::uint8_t>(data[0]);
  }
  std::string reason() const { return stop_.reason() ? describe(*stop_.reason()) : ""; }

  testing::Pipe console_pipe_;
  testing::FakeEngine engine_;
  ConsoleOutput console_{console_pipe_.writer.get(), [] {}};
  StopSwitch stop_ = std::move(StopSwitch::create().value());
  Logger logger_ = std::move(Logger::open({.level = LogLevel::Off}).value());
  os::UniqueFd room_ = std::move(create_event().value());
  int boots_ = 0;
  std::unique_ptr<Platform> platform_ = std::move(Platform::create({.engine = engine_,
                                                                    .console = console_,
                                                                    .stop = stop_,
                                                                    .logger = logger_,
                                                                    .input_room = room_},
                                                                   [this] {
                                                                     ++boots_;
                                                                     return BootTime();
                                                                   })
                                                      .value());
};

TEST_F(PlatformTest, PrintsTheSerialPortOnTheConsole) {
  out(0x3f8, 'h');
  out(0x3f8, 'i');
  ASSERT_TRUE(console_.drain(std::chrono::seconds(10)));
  EXPECT_EQ(console_pipe_.read_some(10), "hi");
}

TEST_F(PlatformTest, WiresTheSerialPortToInterruptFour) {
  out(0x3f9, 0x02);
  EXPECT_EQ(engine_.lines[4], LineLevel::High);
  in(0x3fa);
  EXPECT_EQ(engine_.lines[4], LineLevel::Low);
}

TEST_F(PlatformTest, WiresTheKeyboardToInterruptOne) {
  out(0x60, 0xff);
  EXPECT_EQ(engine_.lines[1], LineLevel::High);
}

TEST_F(PlatformTest, ResetsByTheKeyboardController) {
  out(0x64, 0xfe);
  EXPECT_EQ(reason(), "the guest asked for a reset");
}

TEST_F(PlatformTest, PowersOffByAcpi) {
  std::array<std::byte, 2> data{};
  store_little_endian(data, 0x3400);
  platform_->ports().write(0x604, data);
  EXPECT_EQ(reason(), "the guest powered off");
}

TEST_F(PlatformTest, EndsWithTheStatusOfTheExitPort) {
  out(0xf4, 33);
  EXPECT_EQ(reason(), "the guest reported exit status 33");
}

TEST_F(PlatformTest, HasTheBootTimerAtItsAddressAndPort) {
  out(0x3f0, 123);
  EXPECT_EQ(boots_, 1);
  std::array const magic{std::byte{123}};
  platform_->mmio().write(0xc000'0000, magic);
  EXPECT_EQ(platform_->mmio().unclaimed_writes(), 0u);
}

TEST_F(PlatformTest, LeavesTheTimerChipsPortToTheEngine) {
  EXPECT_EQ(in(0x61), 0xff);
}

TEST_F(PlatformTest, HasAClock) {
  out(0x70, 0x0d);
  EXPECT_NE(in(0x71), 0xff);
}

TEST_F(PlatformTest, SaysWhenTheSerialPortHasRoomAgain) {
  out(0x3fc, 0x0b);
  std::string const flood(Serial::kInputLimit, 'x');
  {
    MutexLock const lock(platform_->serial().lock);
    platform_->serial().device.push_input(std::as_bytes(std::span(flood)));
  }
  for (std::size_t i = 0; i < Serial::kInputLimit / 2; ++i) in(0x3f8);
  pollfd poll_fd{.fd = room_.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&poll_fd, 1, 0), 1);
}

TEST_F(PlatformTest, DropsWhatTheGuestPrintsBeyondItsLimit) {
  auto const limited =
      Platform::create({.engine = engine_,
                        .console = console_,
                        .stop = stop_,
                        .logger = logger_,
                        .input_room = room_,
                        .console_limit = TokenBucketConfig{.size = 3, .refill_time_ms = 3'600'000}},
                       {});
  ASSERT_TRUE(limited);
  for (auto const letter : {'a', 'b', 'c', 'd', 'e'}) {
    (*limited)->ports().write(0x3f8, std::array{static_cast<std::byte>(letter)});
  }
  ASSERT_TRUE(console_.drain(std::chrono::seconds(10)));
  EXPECT_EQ(console_pipe_.read_some(10), "abc");
  EXPECT_EQ((*limited)->dropped_console_bytes(), 2u);
}

}  // namespace
}  // namespace bh::vmm
