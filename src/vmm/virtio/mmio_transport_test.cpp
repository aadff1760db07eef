#include "vmm/virtio/mmio_transport.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <functional>

#include "vmm/virtio/testing/fake_driver.h"

namespace bh::vmm::virtio {
namespace {

/// Returns every buffer with the number of bytes it was given.
class EchoDevice final : public VirtioDevice {
 public:
  explicit EchoDevice(Worker& worker) : VirtioDevice("echo", worker) {}

  DeviceType type() const override { return DeviceType::Entropy; }
  std::uint64_t features() const override { return 1; }
  std::size_t queue_count() const override { return 2; }
  std::vector<std::byte> config() const override { return std::vector<std::byte>(6); }
  void config_written(std::uint64_t offset, std::span<std::byte const> bytes) override {
    written = offset * 100 + bytes.size();
  }
  void change(std::uint8_t value) { link()->change_config(1, std::as_bytes(std::span(&value, 1))); }

  std::uint64_t written = 0;
  std::function<void()> on_chain = [] {};

 protected:
  void process(std::size_t index) override {
    drain(*queue(index), [this](Chain const& chain) {
      on_chain();
      return total_size(chain.readable);
    });
  }
};

class MmioTransportTest : public ::testing::Test {
 protected:
  testing::Guest guest_;
  EchoDevice device_{*guest_.worker};
  testing::FakeDriver driver_{guest_, device_};
};

TEST_F(MmioTransportTest, ShowsWhatItIs) {
  EXPECT_EQ(driver_.read(kMagicValue), 0x74726976u);
  EXPECT_EQ(driver_.read(kVersion), 2u);
  EXPECT_EQ(driver_.read(kDeviceId), 4u);
  EXPECT_EQ(driver_.read(kQueueSizeMax), 256u);
  EXPECT_EQ(driver_.read(kShmLengthLow), ~0u);
  EXPECT_EQ(driver_.offered_features(),
            1 | kFeatureVersion1 | kFeatureIndirect | kFeatureEventIndex);
  driver_.write(kQueueSelect, 2);
  EXPECT_EQ(driver_.read(kQueueSizeMax), 0u);
}

TEST_F(MmioTransportTest, CarriesBuffersAndInterrupts) {
  driver_.start();
  driver_.rings[1].offer({driver_.rings[1].readable("abc")});
  driver_.notify(1);
  EXPECT_EQ(driver_.rings[1].take()->length, 3u);
  EXPECT_EQ(driver_.interrupts, 1);
  EXPECT_EQ(driver_.read(kInterruptStatus), kInterruptUsedBuffer);
  driver_.write(kInterruptAck, kInterruptUsedBuffer);
  EXPECT_EQ(driver_.read(kInterruptStatus), 0u);
}

TEST_F(MmioTransportTest, IsNotifiedByEventsWhereTheEngineHasThem) {
  std::vector<int> doorbells;
  ASSERT_TRUE(
      driver_.transport().use_doorbells([&](std::uint64_t offset, std::uint32_t value, int event) {
        EXPECT_EQ(offset, kQueueNotify);
        EXPECT_EQ(value, doorbells.size());
        doorbells.push_back(event);
        return true;
      }));
  ASSERT_EQ(doorbells.size(), 2u);
  // Before the driver is ready it means nothing.
  ::eventfd_write(doorbells[1], 1);
  driver_.settle();
  driver_.start();
  driver_.rings[1].offer({driver_.rings[1].readable("abc")});
  ::eventfd_write(doorbells[1], 1);
  driver_.settle();
  EXPECT_EQ(driver_.rings[1].take()->length, 3u);
}

TEST_F(MmioTransportTest, RefusesFeaturesItDoesNotHaveAndOldDrivers) {
  EXPECT_FALSE(driver_.negotiate(kFeatureVersion1 | 2));
  EXPECT_FALSE(driver_.negotiate(1));
  EXPECT_TRUE(driver_.negotiate(kFeatureVersion1));
}

TEST_F(MmioTransportTest, TakesStatusBitsInOrderOnly) {
  driver_.write(kStatus, kStatusDriver);
  EXPECT_EQ(driver_.read(kStatus), 0u);
  driver_.write(kStatus, kStatusAcknowledge);
  driver_.write(kStatus, kStatusAcknowledge | kStatusDriverOk);
  EXPECT_EQ(driver_.read(kStatus), kStatusAcknowledge);
  driver_.write(kStatus, kStatusDriver);
  EXPECT_EQ(driver_.read(kStatus), kStatusAcknowledge) << "a bit was cleared";
}

TEST_F(MmioTransportTest, FreezesQueuesWhenTheDriverIsReady) {
  driver_.start();
  auto moved = driver_.rings[0].config();
  moved.used = {0x100000};
  moved.size = 4;
  driver_.set_queue(0, moved);
  driver_.rings[0].offer({driver_.rings[0].readable("abcd")});
  driver_.notify(0);
  EXPECT_EQ(driver_.rings[0].take()->length, 4u);
}

TEST_F(MmioTransportTest, LeavesTurnsToOthersWhenADriverNeverEnds) {
  driver_.start();
  auto& ring = driver_.rings[0];
  auto const piece = ring.readable("abc");
  std::uint64_t taken = 0;
  device_.on_chain = [&] {
    ++taken;
    ring.offer({piece});
  };
  ring.offer({piece});
  driver_.notify(0);
  std::uint64_t before = 0;
  guest_.worker->run_and_wait([&] { before = taken; });
  std::uint64_t now = 0;
  while (now < before + 10'000) guest_.worker->run_and_wait([&] { now = taken; });
  guest_.worker->run_and_wait([&] { device_.on_chain = [] {}; });
  driver_.settle();
}

TEST_F(MmioTransportTest, NeedsAResetAfterABrokenQueue) {
  driver_.start();
  driver_.rings[0].make_available(99);
  driver_.notify(0);
  EXPECT_TRUE(driver_.needs_reset());
  ASSERT_EQ(driver_.faults.size(), 1u);
  EXPECT_EQ(driver_.faults[0], "virtqueue: descriptor 99 in a queue of 16");
  EXPECT_EQ(driver_.read(kInterruptStatus), kInterruptConfigChange);
  driver_.rings[0].offer({driver_.rings[0].readable("x")});
  driver_.notify(0);
  EXPECT_FALSE(driver_.rings[0].take());
  driver_.write(kStatus, 0);
  EXPECT_EQ(driver_.read(kStatus), 0u);
  EXPECT_EQ(driver_.transport().link().faults(), 1u);
}

TEST_F(MmioTransportTest, NeedsAResetWhenAQueueLiesOutsideMemory) {
  ASSERT_TRUE(driver_.negotiate(kFeatureVersion1));
  auto config = driver_.rings[0].config();
  config.used = {std::uint64_t{1} << 50};
  driver_.set_queue(0, config);
  driver_.finish();
  EXPECT_TRUE(driver_.needs_reset());
  EXPECT_FALSE(device_.active());
}

TEST_F(MmioTransportTest, SeesWhatWasMadeAvailableBeforeTheDriverWasReady) {
  ASSERT_TRUE(driver_.negotiate(kFeatureVersion1));
  driver_.set_queue(0, driver_.rings[0].config());
  driver_.rings[0].offer({driver_.rings[0].readable("abc")});
  driver_.finish();
  driver_.settle();
  EXPECT_EQ(driver_.rings[0].take()->length, 3u);
}

TEST_F(MmioTransportTest, WorksWithoutAQueueTheDriverLeftOut) {
  ASSERT_TRUE(driver_.negotiate(kFeatureVersion1));
  driver_.set_queue(1, driver_.rings[1].config());
  driver_.finish();
  driver_.notify(0);
  driver_.rings[1].offer({driver_.rings[1].readable("x")});
  driver_.notify(1);
  EXPECT_TRUE(driver_.rings[1].take());
}

TEST_F(MmioTransportTest, StartsAgainAfterAReset) {
  for (int i = 0; i < 3; ++i) {
    driver_.rings[0] = testing::FakeRing(guest_.memory, {0x1000});
    ASSERT_TRUE(guest_.memory.fill({0x1000}, 0x4000, std::byte{0}));
    driver_.start();
    driver_.rings[0].offer({driver_.rings[0].readable("abc")});
    driver_.notify(0);
    ASSERT_EQ(driver_.rings[0].take()->length, 3u);
  }
}

TEST_F(MmioTransportTest, TellsOfAChangedConfiguration) {
  driver_.start();
  auto const before = driver_.read(kConfigGeneration);
  guest_.worker->run_and_wait([&] { device_.change(7); });
  EXPECT_EQ(driver_.config(3), std::string("\0\7\0", 3));
  EXPECT_NE(driver_.read(kConfigGeneration), before);
  EXPECT_EQ(driver_.read(kInterruptStatus), kInterruptConfigChange);
}

TEST_F(MmioTransportTest, InterruptsAgainForWhatCameAfterTheDriverLooked) {
  driver_.start();
  guest_.worker->run_and_wait([&] { device_.change(7); });
  EXPECT_EQ(driver_.interrupts, 1);
  driver_.rings[0].offer({driver_.rings[0].readable("abc")});
  driver_.notify(0);
  EXPECT_EQ(driver_.interrupts, 1) << "the driver has not answered the first one yet";
  driver_.write(kInterruptAck, kInterruptConfigChange);
  EXPECT_EQ(driver_.interrupts, 2);
  EXPECT_EQ(driver_.read(kInterruptStatus), kInterruptUsedBuffer);
}

TEST_F(MmioTransportTest, PassesConfigurationWritesOnThatFit) {
  driver_.start();
  driver_.write(kConfigSpace + 2, 5);
  driver_.settle();
  EXPECT_EQ(device_.written, 204u);
  driver_.write(kConfigSpace + 4, 5);
  driver_.settle();
  EXPECT_EQ(device_.written, 204u) << "two bytes beyond the end";
}

TEST_F(MmioTransportTest, GoesOnWhereItWasSaved) {
  driver_.start();
  auto& ring = driver_.rings[0];
  ring.offer({ring.readable("abc")});
  driver_.notify(0);
  EXPECT_TRUE(ring.take());
  auto const state = driver_.transport().save();
  driver_.write(kStatus, 0);
  ring.offer({ring.readable("de")});
  ASSERT_TRUE(driver_.transport().restore(state));
  driver_.settle();
  EXPECT_EQ(ring.take()->length, 2u);
  EXPECT_EQ(driver_.transport().save().queues, state.queues);
}

TEST_F(MmioTransportTest, RefusesAStateThatCannotBe) {
  driver_.start();
  auto state = driver_.transport().save();
  driver_.write(kStatus, 0);
  auto const refused = [&](auto change) {
    auto bad = state;
    change(bad);
    return !driver_.transport().restore(bad);
  };
  EXPECT_TRUE(refused([](TransportState& bad) { bad.queues.pop_back(); }));
  EXPECT_TRUE(refused([](TransportState& bad) { bad.queues[0].size = 3; }));
  EXPECT_TRUE(refused([](TransportState& bad) { bad.config.clear(); }));
  EXPECT_TRUE(refused([](TransportState& bad) { bad.driver_features = ~0ULL; }));
  EXPECT_TRUE(driver_.transport().restore(state));
}

}  // namespace
}  // namespace bh::vmm::virtio
