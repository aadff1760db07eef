#include "vmm/bus/bus.h"

#include <algorithm>
#include <limits>
#include <string>

#include "base/hex.h"

namespace bh::vmm {

namespace {

std::string describe(Device const& device, std::uint64_t first, std::uint64_t last) {
  return std::string(device.name()) + " at " + hex(first) + "-" + hex(last);
}

}  // namespace

Result<> Bus::add(BusRange range, Mutex& lock, Device& device) {
  auto const room = std::numeric_limits<std::uint64_t>::max() - range.first;
  if (range.size == 0 || range.size - 1 > room) {
    return fail(Errc::Invalid, "attach " + std::string(device.name()) + " at " + hex(range.first) +
                                   ": range of " + std::to_string(range.size) + " addresses");
  }
  Entry const entry{.first = range.first,
                    .last = range.first + (range.size - 1),
                    .device_offset = range.device_offset,
                    .lock = &lock,
                    .device = &device};
  auto const after = std::ranges::lower_bound(entries_, entry.first, {}, &Entry::last);
  if (after != entries_.end() && after->first <= entry.last) {
    return fail(Errc::Exists, "attach " + describe(device, entry.first, entry.last) +
                                  ": overlaps " +
                                  describe(*after->device, after->first, after->last));
  }
  entries_.insert(after, entry);
  return {};
}

Bus::Entry const* Bus::find(std::uint64_t address, std::size_t size) const {
  auto const found = std::ranges::lower_bound(entries_, address, {}, &Entry::last);
  if (found == entries_.end() || address < found->first) return nullptr;
  // A device must never see bytes beyond its range, so such an access belongs to nobody.
  if (size != 0 && size - 1 > found->last - address) return nullptr;
  return &*found;
}

void Bus::read(std::uint64_t address, std::span<std::byte> data) {
  Entry const* const entry = find(address, data.size());
  if (entry == nullptr) {
    std::ranges::fill(data, std::byte{0xff});
    unclaimed_reads_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  MutexLock const guard(*entry->lock);
  entry->device->read(address - entry->first + entry->device_offset, data);
}

void Bus::write(std::uint64_t address, std::span<std::byte const> data) {
  Entry const* const entry = find(address, data.size());
  if (entry == nullptr) {
    unclaimed_writes_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  MutexLock const guard(*entry->lock);
  entry->device->write(address - entry->first + entry->device_offset, data);
}

}  // namespace bh::vmm
