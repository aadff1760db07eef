#include "vmm/bus/bus.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace bh::vmm {
namespace {

/// Remembers what it was asked and answers reads with the low byte of the offset.
class Recorder final : public Device {
 public:
  std::string_view name() const override { return "recorder"; }
  void read(std::uint64_t offset, std::span<std::byte> data) override {
    for (auto& byte : data) byte = static_cast<std::byte>(offset);
    calls.push_back("read " + std::to_string(offset) + "/" + std::to_string(data.size()));
  }
  void write(std::uint64_t offset, std::span<std::byte const> data) override {
    calls.push_back("write " + std::to_string(offset) + "/" + std::to_string(data.size()));
  }

  std::vector<std::string> calls;
};

class BusTest : public testing::Test {
 protected:
  Result<> add(std::uint64_t first, std::uint64_t size, std::uint64_t device_offset = 0) {
    return bus_.add({.first = first, .size = size, .device_offset = device_offset}, lock_, device_);
  }
  std::uint32_t read(std::uint64_t address, std::size_t size) {
    std::array<std::byte, 4> data{};
    bus_.read(address, std::span(data).first(size));
    std::uint32_t value = 0;
    std::memcpy(&value, data.data(), size);
    return value;
  }

  Mutex lock_;
  Recorder device_;
  Bus bus_;
};

TEST_F(BusTest, GivesADeviceOffsetsFromTheStartOfItsRange) {
  ASSERT_TRUE(add(0x3f8, 8));
  EXPECT_EQ(read(0x3fd, 1), 5u);
  EXPECT_EQ(device_.calls, std::vector<std::string>{"read 5/1"});
}

TEST_F(BusTest, AddsTheDeviceOffsetOfARange) {
  ASSERT_TRUE(add(0x60, 1));
  ASSERT_TRUE(add(0x64, 1, 4));
  EXPECT_EQ(read(0x64, 1), 4u);
  EXPECT_EQ(read(0x60, 1), 0u);
}

TEST_F(BusTest, ReadsAllOnesWhereNobodyAnswers) {
  ASSERT_TRUE(add(0x3f8, 8));
  EXPECT_EQ(read(0x3f7, 1), 0xffu);
  EXPECT_EQ(read(0x400, 2), 0xffffu);
  EXPECT_EQ(bus_.unclaimed_reads(), 2u);
  EXPECT_TRUE(device_.calls.empty());
}

TEST_F(BusTest, CountsAndDropsWritesWhereNobodyAnswers) {
  std::array<std::byte, 2> const data{};
  bus_.write(0x80, data);
  EXPECT_EQ(bus_.unclaimed_writes(), 1u);
}

TEST_F(BusTest, KeepsAnAccessThatLeavesTheRangeAwayFromTheDevice) {
  ASSERT_TRUE(add(0x3f8, 8));
  EXPECT_EQ(read(0x3ff, 2), 0xffffu);
  EXPECT_EQ(read(0x3f7, 2), 0xffffu);
  EXPECT_TRUE(device_.calls.empty());
}

TEST_F(BusTest, RefusesOverlapsAndNamesBoth) {
  ASSERT_TRUE(add(0x100, 0x10));
  for (auto const& [first, size] : std::vector<std::pair<int, int>>{
           {0x100, 1}, {0x10f, 1}, {0xff, 2}, {0x10f, 8}, {0x80, 0x200}, {0x108, 2}}) {
    auto const added = add(first, size);
    ASSERT_FALSE(added) << first;
    EXPECT_EQ(added.error().code, Errc::Exists);
    EXPECT_NE(added.error().message.find("overlaps recorder at 0x100-0x10f"), std::string::npos)
        << added.error().message;
  }
  EXPECT_TRUE(add(0x110, 1));
  EXPECT_TRUE(add(0xff, 1));
}

TEST_F(BusTest, RefusesEmptyAndWrappingRanges) {
  auto const top = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(add(0x100, 0).error().code, Errc::Invalid);
  EXPECT_EQ(add(top, 2).error().code, Errc::Invalid);
  EXPECT_TRUE(add(top, 1));
  EXPECT_EQ(read(top, 1), 0u);
  EXPECT_EQ(read(top, 2), 0xffffu);
}

TEST_F(BusTest, FindsEachOfManyRanges) {
  for (std::uint64_t i = 0; i < 40; ++i) ASSERT_TRUE(add((39 - i) * 0x10, 4, 39 - i));
  for (std::uint64_t i = 0; i < 40; ++i) {
    EXPECT_EQ(read(i * 0x10, 1), i);
    EXPECT_EQ(read(i * 0x10 + 4, 1), 0xffu);
  }
}

/// Not synchronised itself: counts right only if the bus lets one caller in at a time.
class Counter final : public Device {
 public:
  std::string_view name() const override { return "counter"; }
  void read(std::uint64_t, std::span<std::byte>) override { ++count; }
  void write(std::uint64_t, std::span<std::byte const>) override { ++count; }

  int count = 0;
};

TEST(Bus, LetsOneCallerAtATimeIntoADevice) {
  constexpr int kCallsEach = 2000;
  Mutex lock;
  Counter device;
  Bus ports;
  Bus memory;
  ASSERT_TRUE(ports.add({.first = 0x10, .size = 1}, lock, device));
  ASSERT_TRUE(memory.add({.first = 0x10, .size = 1}, lock, device));
  {
    auto const hammer = [](Bus& bus) {
      std::array<std::byte, 1> data{};
      for (int i = 0; i < kCallsEach; ++i) {
        bus.read(0x10, data);
        bus.write(0x10, data);
      }
    };
    std::jthread const first([&] { hammer(ports); });
    std::jthread const second([&] { hammer(memory); });
  }
  EXPECT_EQ(device.count, 4 * kCallsEach);
}

}  // namespace
}  // namespace bh::vmm
