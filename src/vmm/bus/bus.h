#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "vmm/bus/device.h"

namespace bh::vmm {

/// Where a device answers: `size` addresses from `first`. The device sees offsets that start at
/// `device_offset`, so one device can own several ranges.
struct BusRange {
  std::uint64_t first = 0;
  std::uint64_t size = 0;
  std::uint64_t device_offset = 0;
};

/// One address space (I/O ports or physical memory outside RAM), mapping ranges to devices.
///
/// Fill it with add() before vCPUs run; from then on read() and write() may be called by any
/// thread, and calls to one device never overlap. Devices and their locks outlive the bus.
class Bus {
 public:
  /// `lock` is held during every call to `device`; whoever else touches the device takes it too.
  /// Errc::Exists if a part of the range is taken, Errc::Invalid if it is empty or wraps.
  Result<> add(BusRange range, Mutex& lock, Device& device);

  /// Fills `data` with what the guest reads: all ones where nobody answers, also if only the end
  /// of the access leaves its device's range.
  void read(std::uint64_t address, std::span<std::byte> data);
  /// Dropped where nobody answers.
  void write(std::uint64_t address, std::span<std::byte const> data);

  /// Accesses that no device answered, since the start.
  std::uint64_t unclaimed_reads() const { return unclaimed_reads_.load(std::memory_order_relaxed); }
  std::uint64_t unclaimed_writes() const {
    return unclaimed_writes_.load(std::memory_order_relaxed);
  }

 private:
  struct Entry {
    std::uint64_t first;
    std::uint64_t last;  // Inclusive, so that a range may end at the top of the address space.
    std::uint64_t device_offset;
    Mutex* lock;
    Device* device;
  };

  Entry const* find(std::uint64_t address, std::size_t size) const;

  std::vector<Entry> entries_;  // Sorted by address, never overlapping.
  std::atomic<std::uint64_t> unclaimed_reads_ = 0;
  std::atomic<std::uint64_t> unclaimed_writes_ = 0;
};

}  // namespace bh::vmm
