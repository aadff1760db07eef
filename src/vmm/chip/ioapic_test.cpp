#include "vmm/chip/ioapic.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/bytes.h"

namespace bh::vmm::chip {
namespace {

constexpr std::uint64_t kRemoteIrr = 1U << 14;
constexpr std::uint64_t kLevel = 1U << 15;
constexpr std::uint64_t kMasked = 1U << 16;

class FakeBus final : public ApicBus {
 public:
  bool deliver(InterruptMessage const& message) override {
    messages.push_back(message);
    return takes;
  }
  void end_of_interrupt(std::uint8_t /*vector*/) override {}

  std::vector<InterruptMessage> messages;
  bool takes = true;
};

class IoApicTest : public ::testing::Test {
 protected:
  void write(std::uint64_t offset, std::uint32_t value, std::size_t size = 4) {
    std::array<std::byte, 8> data{};
    store_little_endian(data, value);
    io_apic_.write(offset, std::span(data).first(size));
  }
  std::uint32_t read(std::uint64_t offset) {
    std::array<std::byte, 4> data{};
    io_apic_.read(offset, data);
    return static_cast<std::uint32_t>(load_little_endian(data));
  }
  void write_register(std::uint8_t index, std::uint32_t value) {
    write(0x00, index);
    write(0x10, value);
  }
  std::uint32_t read_register(std::uint8_t index) {
    write(0x00, index);
    return read(0x10);
  }
  void route(unsigned pin, std::uint64_t entry) {
    write_register(static_cast<std::uint8_t>(0x11 + 2 * pin),
                   static_cast<std::uint32_t>(entry >> 32));
    write_register(static_cast<std::uint8_t>(0x10 + 2 * pin), static_cast<std::uint32_t>(entry));
  }
  std::uint64_t entry(unsigned pin) {
    auto const index = static_cast<std::uint8_t>(0x10 + 2 * pin);
    return std::uint64_t{read_register(index + 1)} << 32 | read_register(index);
  }
  void raise(unsigned pin) { io_apic_.set_line(pin, LineLevel::High); }
  void lower(unsigned pin) { io_apic_.set_line(pin, LineLevel::Low); }
  std::size_t delivered() const { return bus_.messages.size(); }

  FakeBus bus_;
  IoApic io_apic_{bus_};
};

TEST_F(IoApicTest, Has24MaskedPinsAndTheVersionWithAnEoiRegister) {
  EXPECT_EQ(read_register(1), 0x0017'0020);
  for (unsigned pin = 0; pin < 24; ++pin) EXPECT_EQ(entry(pin), kMasked);
}

TEST_F(IoApicTest, IdHasFourBitsAndArbitrationFollows) {
  write_register(0, 0xffff'ffff);
  EXPECT_EQ(read_register(0), 0x0f00'0000);
  EXPECT_EQ(read_register(2), 0x0f00'0000);
}

TEST_F(IoApicTest, EntryBecomesTheMessageItDescribes) {
  route(5, 0x0300'0000'0000'0961);
  raise(5);
  ASSERT_EQ(delivered(), 1);
  auto const& message = bus_.messages[0];
  EXPECT_EQ(message.vector, 0x61);
  EXPECT_EQ(message.delivery, DeliveryMode::LowestPriority);
  EXPECT_EQ(message.destination_mode, DestinationMode::Logical);
  EXPECT_EQ(message.trigger, TriggerMode::Edge);
  EXPECT_EQ(message.destination, 3);
}

TEST_F(IoApicTest, DestinationFfMeansEveryone) {
  route(5, 0xff00'0000'0000'0061);
  raise(5);
  ASSERT_EQ(delivered(), 1);
  EXPECT_EQ(bus_.messages[0].destination, kBroadcast);
}

TEST_F(IoApicTest, EdgeIsDeliveredOncePerRise) {
  route(5, 0x61);
  raise(5);
  raise(5);
  EXPECT_EQ(delivered(), 1);
  lower(5);
  raise(5);
  EXPECT_EQ(delivered(), 2);
}

TEST_F(IoApicTest, EdgeOnAMaskedPinIsLost) {
  raise(5);
  route(5, 0x61);
  EXPECT_EQ(delivered(), 0);
}

TEST_F(IoApicTest, LevelOnAMaskedPinWaits) {
  route(5, kMasked | kLevel | 0x61);
  raise(5);
  EXPECT_EQ(delivered(), 0);
  route(5, kLevel | 0x61);
  EXPECT_EQ(delivered(), 1);
}

TEST_F(IoApicTest, LevelWaitsForTheEoiBeforeItComesAgain) {
  route(5, kLevel | 0x61);
  raise(5);
  EXPECT_EQ(entry(5) & kRemoteIrr, kRemoteIrr);
  lower(5);
  raise(5);
  EXPECT_EQ(delivered(), 1);
  io_apic_.end_of_interrupt(0x60);
  EXPECT_EQ(delivered(), 1);
  io_apic_.end_of_interrupt(0x61);
  EXPECT_EQ(delivered(), 2);
  lower(5);
  io_apic_.end_of_interrupt(0x61);
  EXPECT_EQ(delivered(), 2);
  EXPECT_EQ(entry(5) & kRemoteIrr, 0);
}

TEST_F(IoApicTest, EoiRegisterEndsTheVectorWrittenToIt) {
  route(5, kLevel | 0x61);
  raise(5);
  lower(5);
  write(0x40, 0x61);
  EXPECT_EQ(entry(5) & kRemoteIrr, 0);
}

TEST_F(IoApicTest, LevelNobodyTookIsOfferedAgain) {
  bus_.takes = false;
  route(5, kLevel | 0x61);
  raise(5);
  EXPECT_EQ(entry(5) & kRemoteIrr, 0);
  bus_.takes = true;
  raise(5);
  EXPECT_EQ(entry(5) & kRemoteIrr, kRemoteIrr);
}

TEST_F(IoApicTest, ReadOnlyBitsCannotBeWritten) {
  route(5, kMasked | kRemoteIrr | 1U << 12 | kLevel | 0x61);
  EXPECT_EQ(entry(5), kMasked | kLevel | 0x61);
  route(6, ~0ULL);
  EXPECT_EQ(entry(6), 0xff00'0000'0001'afff);
}

TEST_F(IoApicTest, SwitchingToEdgeClearsRemoteIrr) {
  route(5, kLevel | 0x61);
  raise(5);
  lower(5);
  route(5, kMasked | 0x61);
  route(5, kLevel | 0x61);
  EXPECT_EQ(entry(5) & kRemoteIrr, 0);
}

TEST_F(IoApicTest, PinsAndRegistersBeyondTheLastDoNothing) {
  raise(24);
  raise(31);
  write_register(0x40, 0x61);
  EXPECT_EQ(read_register(0x40), 0);
  write(0x20, 1);
  EXPECT_EQ(read(0x20), 0);
  EXPECT_EQ(delivered(), 0);
}

TEST_F(IoApicTest, TakesByteAndWideAccesses) {
  write(0x00, 1, 1);
  std::array<std::byte, 8> data{};
  io_apic_.read(0x10, data);
  EXPECT_EQ(load_little_endian(data), 0x0017'0020);
}

TEST_F(IoApicTest, ExtIntAndSmiEntriesDeliverNothing) {
  for (std::uint64_t const mode : {2, 7}) {
    route(5, mode << 8 | 0x61);
    raise(5);
    lower(5);
  }
  EXPECT_EQ(delivered(), 0);
}

TEST_F(IoApicTest, RestoresWhatItSavedAndRefusesNonsense) {
  route(5, kLevel | 0x61);
  raise(5);
  auto state = io_apic_.save();
  IoApic other(bus_);
  ASSERT_TRUE(other.restore(state));
  EXPECT_EQ(other.save(), state);
  state.redirection[3] = 1ULL << 20;
  EXPECT_EQ(other.restore(state).error().code, Errc::Corrupt);
}

}  // namespace
}  // namespace bh::vmm::chip
