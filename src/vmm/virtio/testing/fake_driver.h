#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/virtio/mmio_registers.h"
#include "vmm/virtio/mmio_transport.h"
#include "vmm/virtio/testing/fake_ring.h"

namespace bh::vmm::virtio::testing {

/// A worker and guest memory, made before the device of a test.
struct Guest {
  std::unique_ptr<Worker> worker = std::move(Worker::start("test").value());
  GuestMemory memory = std::move(GuestMemory::create(std::uint64_t{2} << 20).value());
};

/// Plays the driver of one device: what Linux does with the registers, and its rings.
class FakeDriver {
 public:
  FakeDriver(Guest& guest, VirtioDevice& device)
      : guest_(guest),
        transport_(
            std::move(MmioTransport::create(
                          device, guest.memory,
                          [this](LineLevel level) { interrupts += level == LineLevel::High; },
                          [this](std::string_view why) { faults.emplace_back(why); })
                          .value())) {
    for (std::size_t i = 0; i < device.queue_count(); ++i) {
      rings.emplace_back(guest.memory, GuestAddress{0x1000 + i * FakeRing::kSpace});
    }
  }

  MmioTransport& transport() { return *transport_; }

  std::uint32_t read(std::uint64_t offset) {
    std::array<std::byte, 4> data{};
    transport_->read(offset, data);
    return static_cast<std::uint32_t>(load_little_endian(data));
  }
  void write(std::uint64_t offset, std::uint32_t value) {
    transport_->write(offset, std::as_bytes(std::span(&value, 1)));
  }
  std::uint64_t offered_features() {
    write(kDeviceFeaturesSelect, 0);
    std::uint64_t const low = read(kDeviceFeatures);
    write(kDeviceFeaturesSelect, 1);
    return low | std::uint64_t{read(kDeviceFeatures)} << 32;
  }
  /// Up to FEATURES_OK; false if the device does not take the features.
  bool negotiate(std::uint64_t features) {
    write(kStatus, 0);
    write(kStatus, kStatusAcknowledge);
    write(kStatus, kStatusAcknowledge | kStatusDriver);
    write(kDriverFeaturesSelect, 0);
    write(kDriverFeatures, static_cast<std::uint32_t>(features));
    write(kDriverFeaturesSelect, 1);
    write(kDriverFeatures, static_cast<std::uint32_t>(features >> 32));
    write(kStatus, kStatusAcknowledge | kStatusDriver | kStatusFeaturesOk);
    return (read(kStatus) & kStatusFeaturesOk) != 0;
  }
  void set_queue(std::uint32_t index, QueueConfig const& config) {
    write(kQueueSelect, index);
    write(kQueueSizeRegister, config.size);
    write(kQueueDescriptorsLow, static_cast<std::uint32_t>(config.descriptors.value));
    write(kQueueDescriptorsHigh, static_cast<std::uint32_t>(config.descriptors.value >> 32));
    write(kQueueAvailableLow, static_cast<std::uint32_t>(config.available.value));
    write(kQueueAvailableHigh, static_cast<std::uint32_t>(config.available.value >> 32));
    write(kQueueUsedLow, static_cast<std::uint32_t>(config.used.value));
    write(kQueueUsedHigh, static_cast<std::uint32_t>(config.used.value >> 32));
    write(kQueueReady, config.ready ? 1 : 0);
  }
  void finish() {
    write(kStatus, kStatusAcknowledge | kStatusDriver | kStatusFeaturesOk | kStatusDriverOk);
  }
  /// All of it, with what the device offers but `without`.
  void start(std::uint64_t without = 0) {
    ASSERT_TRUE(negotiate(offered_features() & ~without));
    for (std::uint32_t i = 0; i < rings.size(); ++i) set_queue(i, rings[i].config());
    finish();
    ASSERT_TRUE(faults.empty()) << faults.front();
  }
  /// Notifies, and returns when the worker has seen it.
  void notify(std::uint32_t queue = 0) {
    write(kQueueNotify, queue);
    settle();
  }
  /// Returns when what the worker had to do at the moment is done.
  void settle() {
    // Twice: the loop may serve what was posted before other descriptors of the same round.
    for (int i = 0; i < 2; ++i) guest_.worker->run_and_wait([] {});
  }
  std::string config(std::size_t size) {
    std::string bytes(size, '\0');
    transport_->read(kConfigSpace, std::as_writable_bytes(std::span(bytes)));
    return bytes;
  }
  bool needs_reset() { return (read(kStatus) & kStatusNeedsReset) != 0; }

  std::deque<FakeRing> rings;
  std::atomic<int> interrupts = 0;
  std::vector<std::string> faults;

 private:
  Guest& guest_;
  std::unique_ptr<MmioTransport> transport_;
};

}  // namespace bh::vmm::virtio::testing
