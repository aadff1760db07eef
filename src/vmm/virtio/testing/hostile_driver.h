#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "vmm/virtio/mmio_registers.h"
#include "vmm/virtio/mmio_transport.h"

namespace bh::vmm::virtio::testing {

/// Plays a driver that follows a fuzzer's bytes: registers, rings, descriptors and buffers. Needs
/// no GoogleTest.
class HostileDriver {
 public:
  static constexpr std::uint64_t kMemory = std::uint64_t{1} << 18;
  static constexpr std::uint64_t kRingSpace = 0x4000;
  static constexpr std::uint64_t kData = 0x20000;

  HostileDriver(VirtioDevice& device, GuestMemory& memory)
      : device_(device),
        memory_(memory),
        transport_(std::move(MmioTransport::create(
                                 device, memory, [](LineLevel) {}, [](std::string_view) {})
                                 .value())) {}

  /// Uses up `input`.
  void play(std::span<std::uint8_t const> input) {
    input_ = input;
    start();
    // Enough to fill the rings twice; more of the same finds nothing new.
    for (int step = 0; step < 512 && !input_.empty(); ++step) {
      play_step();
      // The next step writes to memory that the worker may still read.
      settle();
    }
    auto const state = transport_->save();
    transport_->write(kStatus, std::array<std::byte, 4>{});
    // What it saved itself must be acceptable to it, and must not break it.
    [[maybe_unused]] auto const restored = transport_->restore(state);
    settle();
  }

 private:
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes && !input_.empty(); ++i) {
      value |= std::uint64_t{input_.front()} << (8 * i);
      input_ = input_.subspan(1);
    }
    return value;
  }
  void write(std::uint64_t offset, std::uint32_t value) {
    transport_->write(offset, std::as_bytes(std::span(&value, 1)));
  }
  void settle() {
    device_.worker().run_and_wait([] {});
  }
  void poke(std::uint64_t address, std::uint64_t value, std::size_t size) {
    [[maybe_unused]] auto const written =
        memory_.write({address}, std::as_bytes(std::span(&value, 1)).first(size));
  }

  void start() {
    std::uint64_t const features =
        device_.features() | kFeatureVersion1 | kFeatureIndirect | kFeatureEventIndex;
    write(kStatus, 0);
    write(kStatus, 1);
    write(kStatus, 3);
    write(kDriverFeaturesSelect, 0);
    write(kDriverFeatures, static_cast<std::uint32_t>(features));
    write(kDriverFeaturesSelect, 1);
    write(kDriverFeatures, static_cast<std::uint32_t>(features >> 32));
    write(kStatus, 11);
    for (std::uint32_t i = 0; i < device_.queue_count(); ++i) {
      std::uint64_t const base = ring(i);
      write(kQueueSelect, i);
      write(kQueueSizeRegister, kEntries);
      write(kQueueDescriptorsLow, static_cast<std::uint32_t>(base));
      write(kQueueAvailableLow, static_cast<std::uint32_t>(base + 0x1000));
      write(kQueueUsedLow, static_cast<std::uint32_t>(base + 0x2000));
      write(kQueueReady, 1);
    }
    write(kStatus, 15);
    available_.fill(0);
    settle();
  }
  static std::uint64_t ring(std::uint64_t queue) { return 0x1000 + queue % 7 * kRingSpace; }

  /// A well-formed chain of up to four buffers whose bytes come from the input.
  void offer() {
    auto const queue = number(1) % std::max<std::size_t>(device_.queue_count(), 1);
    auto const count = 1 + number(1) % 4;
    auto const readable = number(1) % (count + 1);
    std::uint64_t address = kData + number(1) * 64;
    std::uint16_t const first = static_cast<std::uint16_t>(available_[queue] * 4 % kEntries);
    for (std::uint64_t i = 0; i < count; ++i) {
      std::uint64_t const size = number(2) % 0x1100;
      if (i < readable) {
        auto const taken = input_.first(std::min<std::size_t>(size, input_.size()));
        [[maybe_unused]] auto const written = memory_.write(
            {address}, std::as_bytes(taken.first(std::min<std::size_t>(taken.size(), 64))));
        input_ = input_.subspan(std::min<std::size_t>(taken.size(), 64));
      }
      std::uint64_t const slot = ring(queue) + 16 * ((first + i) % kEntries);
      poke(slot, address, 8);
      poke(slot + 8, size, 4);
      poke(slot + 12, (i >= readable ? kDescriptorWrite : 0) | (i + 1 < count ? 1 : 0), 2);
      poke(slot + 14, (first + i + 1) % kEntries, 2);
      address += size;
    }
    poke(ring(queue) + 0x1004 + 2 * (available_[queue] % kEntries), first, 2);
    poke(ring(queue) + 0x1002, ++available_[queue], 2);
    write(kQueueNotify, static_cast<std::uint32_t>(queue));
    settle();
  }

  void play_step() {
    switch (number(1) % 8) {
      case 0: write(number(2) % 0x200 & ~3U, static_cast<std::uint32_t>(number(4))); break;
      case 1: poke(number(3) % kMemory, number(8), 8); break;
      case 2: poke(0x1000 + number(2) % 0x8000, number(2), 2); break;
      case 3: {
        std::array<std::byte, 8> data{};
        transport_->read(number(2) % 0x200, std::span(data).first(1 + number(1) % 8));
        break;
      }
      case 4: start(); break;
      case 5:
        write(kQueueNotify, static_cast<std::uint32_t>(number(1) % 8));
        settle();
        break;
      default: offer(); break;
    }
  }

  static constexpr std::uint16_t kEntries = 64;

  VirtioDevice& device_;
  GuestMemory& memory_;
  std::unique_ptr<MmioTransport> transport_;
  std::span<std::uint8_t const> input_;
  std::array<std::uint16_t, 32> available_{};
};

/// A machine's worth of what a device needs, fresh for each input of a fuzzer.
struct HostileGuest {
  std::unique_ptr<Worker> worker = std::move(Worker::start("fuzz").value());
  GuestMemory memory = std::move(GuestMemory::create(HostileDriver::kMemory).value());
};

}  // namespace bh::vmm::virtio::testing
