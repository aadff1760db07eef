#include "vmm/device/serial.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace bh::vmm {
namespace {

enum : std::uint8_t { Rbr = 0, Thr = 0, Ier, Iir, Fcr = 2, Lcr, Mcr, Lsr, Msr, Scr };

class SerialTest : public testing::Test {
 protected:
  std::uint8_t in(std::uint64_t offset) {
    std::array<std::byte, 1> data{};
    serial_.read(offset, data);
    return std::to_integer<std::uint8_t>(data[0]);
  }
  void out(std::uint64_t offset, std::uint8_t value) {
    std::array const data{std::byte{value}};
    serial_.write(offset, data);
  }
  std::size_t push(std::string_view text) {
    return serial_.push_input(std::as_bytes(std::span(text)));
  }

  std::string output_;
  std::string edges_;  // 'H' and 'L' as the interrupt pin moves.
  int room_calls_ = 0;
  Serial serial_{[this](std::byte byte) { output_ += static_cast<char>(byte); },
                 [this](LineLevel level) { edges_ += level == LineLevel::High ? 'H' : 'L'; },
                 [this] { ++room_calls_; }};
};

TEST_F(SerialTest, SendsWhatTheGuestWrites) {
  for (char const letter : std::string("hello\n")) out(Thr, static_cast<std::uint8_t>(letter));
  EXPECT_EQ(output_, "hello\n");
  EXPECT_EQ(in(Lsr), 0x60);
}

TEST_F(SerialTest, KeepsTheDivisorApartFromDataAndInterruptEnable) {
  out(Ier, 0x05);
  out(Lcr, 0x83);
  out(0, 0x01);
  out(1, 0x02);
  EXPECT_EQ(in(0), 0x01);
  EXPECT_EQ(in(1), 0x02);
  out(Lcr, 0x03);
  EXPECT_EQ(in(Ier), 0x05);
  EXPECT_EQ(output_, "");
}

TEST_F(SerialTest, HoldsInputUntilTheGuestReceives) {
  EXPECT_EQ(push("ab"), 2u);
  EXPECT_EQ(in(Lsr) & 1, 0);
  out(Fcr, 0x07);  // A driver's start: reset both FIFOs, then drain what is there.
  EXPECT_EQ(in(Rbr), 0);
  out(Mcr, 0x0b);
  EXPECT_EQ(in(Lsr) & 1, 1);
  EXPECT_EQ(in(Rbr), 'a');
  EXPECT_EQ(in(Rbr), 'b');
  EXPECT_EQ(in(Lsr) & 1, 0);
}

TEST_F(SerialTest, LosesNoInputWhenADriverClosesThePortAndOpensItAgain) {
  out(Fcr, 0x01);
  out(Mcr, 0x0b);
  out(Ier, 0x05);
  out(Ier, 0x00);  // Closes: interrupts off, OUT2 off, FIFOs reset and off, a read to be sure.
  push("ab");
  out(Mcr, 0x03);
  out(Fcr, 0x07);
  out(Fcr, 0x00);
  in(Rbr);
  out(Mcr, 0x0b);  // Opens: interrupts first, then FIFOs on.
  out(Ier, 0x05);
  out(Fcr, 0x01);
  EXPECT_EQ(in(Rbr), 'a');
  EXPECT_EQ(in(Rbr), 'b');
}

TEST_F(SerialTest, InterruptsForInputUntilAllIsRead) {
  out(Ier, 0x01);
  EXPECT_EQ(in(Iir), 0x01);
  push("xy");
  EXPECT_EQ(edges_, "H");
  EXPECT_EQ(in(Iir), 0x04);
  in(Rbr);
  EXPECT_EQ(edges_, "H");
  in(Rbr);
  EXPECT_EQ(edges_, "HL");
  EXPECT_EQ(in(Iir), 0x01);
}

TEST_F(SerialTest, InterruptsWhenTheTransmitInterruptIsEnabledAndUntilItIsIdentified) {
  out(Ier, 0x02);
  EXPECT_EQ(edges_, "H");
  EXPECT_EQ(in(Iir), 0x02);
  EXPECT_EQ(edges_, "HL");
  EXPECT_EQ(in(Iir), 0x01);
  out(Ier, 0x00);
  out(Ier, 0x02);
  EXPECT_EQ(in(Iir), 0x02);
}

TEST_F(SerialTest, GivesAFreshEdgeForEveryByteSent) {
  out(Ier, 0x02);
  out(Thr, 'a');
  out(Thr, 'b');
  EXPECT_EQ(edges_, "HLHLH");
  EXPECT_EQ(output_, "ab");
}

TEST_F(SerialTest, IdentifiesInputBeforeTransmission) {
  out(Ier, 0x03);
  push("x");
  EXPECT_EQ(in(Iir), 0x04);
  in(Rbr);
  EXPECT_EQ(in(Iir), 0x02);
}

TEST_F(SerialTest, ShowsEnabledFifosAsA16550A) {
  out(Fcr, 0x01);
  EXPECT_EQ(in(Iir), 0xc1);
  out(Fcr, 0x21);  // The 64-byte FIFO of a 16750: not here.
  EXPECT_EQ(in(Iir), 0xc1);
  out(Fcr, 0x00);
  EXPECT_EQ(in(Iir), 0x01);
}

TEST_F(SerialTest, AnswersTheProbesOfADriver) {
  out(Ier, 0xff);
  EXPECT_EQ(in(Ier), 0x0f);  // No sleep mode, no enhanced UART.
  out(Ier, 0x00);
  out(Mcr, 0x1a);  // Loopback with OUT2 and RTS must come back as DCD and CTS.
  EXPECT_EQ(in(Msr) & 0xf0, 0x90);
  out(Mcr, 0x00);
  EXPECT_EQ(in(Msr) & 0xf0, 0xb0);
  out(Scr, 0x5a);
  EXPECT_EQ(in(Scr), 0x5a);
}

TEST_F(SerialTest, LoopsDataBackWithoutSendingIt) {
  out(Mcr, 0x10);
  out(Thr, 'q');
  EXPECT_EQ(output_, "");
  EXPECT_EQ(in(Lsr) & 1, 1);
  EXPECT_EQ(in(Rbr), 'q');
}

TEST_F(SerialTest, ReportsAnOverrunOfALoopbackFlood) {
  out(Mcr, 0x10);
  for (std::size_t i = 0; i <= Serial::kInputLimit; ++i) out(Thr, 'x');
  EXPECT_EQ(serial_.save().input.size(), Serial::kInputLimit);
  EXPECT_EQ(in(Lsr) & 2, 2);
  EXPECT_EQ(in(Lsr) & 2, 0);
}

TEST_F(SerialTest, TellsModemChangesOnceAndInterruptsForThem) {
  out(Mcr, 0x10);
  in(Msr);
  out(Ier, 0x08);
  out(Mcr, 0x12);
  EXPECT_EQ(edges_, "H");
  EXPECT_EQ(in(Iir), 0x00);
  EXPECT_EQ(in(Msr), 0x11);
  EXPECT_EQ(in(Msr), 0x10);
  EXPECT_EQ(edges_, "HL");
}

TEST_F(SerialTest, RefusesInputBeyondItsLimitAndAsksForMoreAtHalf) {
  out(Mcr, 0x0a);
  std::string const flood(Serial::kInputLimit + 10, 'x');
  EXPECT_EQ(push(flood), Serial::kInputLimit);
  EXPECT_EQ(push("y"), 0u);
  for (std::size_t i = 0; i < Serial::kInputLimit / 2 - 1; ++i) in(Rbr);
  EXPECT_EQ(room_calls_, 0);
  in(Rbr);
  EXPECT_EQ(room_calls_, 1);
  in(Rbr);
  EXPECT_EQ(room_calls_, 1);
}

TEST_F(SerialTest, LosesNoMoreThanAFifoToAReset) {
  out(Mcr, 0x0a);
  push(std::string(20, 'x') + "y");
  out(Fcr, 0x03);
  EXPECT_EQ(serial_.save().input.size(), 5u);
}

TEST_F(SerialTest, SplitsWideAccessesIntoConsecutivePorts) {
  std::array<std::byte, 2> const data{std::byte{'a'}, std::byte{0x03}};
  serial_.write(Thr, data);
  EXPECT_EQ(output_, "a");
  EXPECT_EQ(in(Ier), 0x03);
}

TEST_F(SerialTest, RestoresWhatItSaved) {
  out(Ier, 0x03);
  out(Fcr, 0x01);
  out(Lcr, 0x03);
  out(Mcr, 0x0b);
  out(Scr, 0x77);
  push("left over");
  auto const state = serial_.save();

  std::string edges;
  Serial other([](std::byte) {},
               [&](LineLevel level) { edges += level == LineLevel::High ? 'H' : 'L'; }, [] {});
  ASSERT_TRUE(other.restore(state));
  EXPECT_EQ(other.save(), state);
  EXPECT_EQ(edges, "H");
}

TEST_F(SerialTest, RefusesAStateThatNoPortCouldHave) {
  SerialState const good = serial_.save();
  auto const refuses = [&](auto change) {
    SerialState state = good;
    change(state);
    return !serial_.restore(state) && serial_.save() == good;
  };
  EXPECT_TRUE(refuses([](SerialState& s) { s.input.resize(Serial::kInputLimit + 1); }));
  EXPECT_TRUE(refuses([](SerialState& s) { s.ier = 0x10; }));
  EXPECT_TRUE(refuses([](SerialState& s) { s.fcr = 0x80; }));
  EXPECT_TRUE(refuses([](SerialState& s) { s.mcr = 0x20; }));
  EXPECT_TRUE(refuses([](SerialState& s) { s.lsr_errors = 0x61; }));
  EXPECT_TRUE(refuses([](SerialState& s) { s.msr_changes = 0x10; }));
}

}  // namespace
}  // namespace bh::vmm
