#include "vmm/virtio/queue.h"

#include <fmt/format.h>

#include <atomic>
#include <bit>
#include <cstring>
#include <limits>

#include "base/hex.h"

namespace bh::vmm::virtio {

namespace {

std::unexpected<Error> broken(std::string words) {
  return fail(Errc::Corrupt, "virtqueue: " + std::move(words));
}

Result<std::byte*> part(GuestMemory const& memory, std::string_view what, GuestAddress address,
                        std::uint64_t size, std::uint64_t alignment) {
  if (address.value % alignment != 0) {
    return broken(
        fmt::format("{} at {}: must be aligned to {} bytes", what, hex(address.value), alignment));
  }
  std::byte* const host = memory.host_address(address, size);
  if (host == nullptr) {
    return broken(
        fmt::format("{} of {} bytes at {}: not guest RAM", what, size, hex(address.value)));
  }
  return host;
}

/// 2.7.10: whether `event` lies among the entries from `before` to `now`.
bool passed(std::uint16_t event, std::uint16_t now, std::uint16_t before) {
  return static_cast<std::uint16_t>(now - event - 1) < static_cast<std::uint16_t>(now - before);
}

Descriptor copy_descriptor(std::byte const* table, std::uint64_t index) {
  Descriptor descriptor;
  std::memcpy(&descriptor, table + index * sizeof descriptor, sizeof descriptor);
  return descriptor;
}

}  // namespace

Result<Queue> Queue::create(GuestMemory& memory, QueueConfig const& config, std::uint64_t features,
                            QueueProgress progress) {
  if (!std::has_single_bit(config.size) || config.size > kQueueSize) {
    return broken(fmt::format("size {}: must be a power of two up to {}", config.size, kQueueSize));
  }
  std::uint64_t const size = config.size;
  // 2.7: sizes and alignments; each ring ends with an event index of two bytes.
  Queue queue(memory);
  queue.descriptors_ =
      BH_TRY(part(memory, "descriptor table", config.descriptors, size * sizeof(Descriptor), 16));
  queue.available_ =
      BH_TRY(part(memory, "available ring", config.available, kRingEntries + 2 * size + 2, 2));
  queue.used_ = BH_TRY(
      part(memory, "used ring", config.used, kRingEntries + sizeof(UsedElement) * size + 2, 4));
  queue.used_address_ = config.used;
  queue.size_ = config.size;
  queue.event_index_ = (features & kFeatureEventIndex) != 0;
  queue.indirect_ = (features & kFeatureIndirect) != 0;
  queue.next_available_ = progress.next_available;
  queue.next_used_ = queue.published_used_ = progress.next_used;
  return queue;
}

std::uint16_t Queue::load16(std::byte const* ring, std::uint64_t offset) const {
  // Aligned: the rings are, and all offsets are even.
  auto* const field = reinterpret_cast<std::uint16_t*>(const_cast<std::byte*>(ring) + offset);
  return std::atomic_ref(*field).load(std::memory_order_seq_cst);
}

void Queue::store_used16(std::uint64_t offset, std::uint16_t value) {
  auto* const field = reinterpret_cast<std::uint16_t*>(used_ + offset);
  std::atomic_ref(*field).store(value, std::memory_order_seq_cst);
  memory_->note_write(used_address_ + offset, sizeof value);
}

Result<bool> Queue::pop(Chain& chain) {
  std::uint16_t const index = load16(available_, kRingIndex);
  std::uint16_t const waiting = index - next_available_;
  if (waiting == 0) return false;
  if (waiting > size_) {
    return broken(fmt::format("{} buffers available in a queue of {}", waiting, size_));
  }
  std::uint64_t const slot = next_available_ % size_;
  std::uint16_t const head = load16(available_, kRingEntries + 2 * slot);
  BH_TRY(follow(head, chain));
  ++next_available_;
  return true;
}

Result<> Queue::add(Descriptor const& descriptor, Chain& chain) const {
  GuestAddress const address{descriptor.address};
  std::byte* const host = memory_->host_address(address, descriptor.length);
  if (host == nullptr) {
    return broken(fmt::format("buffer of {} bytes at {}: not guest RAM", descriptor.length,
                              hex(descriptor.address)));
  }
  bool const writable = (descriptor.flags & kDescriptorWrite) != 0;
  if (!writable && !chain.writable.empty()) {
    return broken("a readable buffer after a writable one");
  }
  auto& side = writable ? chain.writable : chain.readable;
  side.push_back({.address = address, .bytes = {host, descriptor.length}});
  return {};
}

Result<> Queue::follow(std::uint16_t head, Chain& chain) const {
  chain.head = head;
  chain.readable.clear();
  chain.writable.clear();
  if (head >= size_) return broken(fmt::format("descriptor {} in a queue of {}", head, size_));
  std::byte const* table = descriptors_;
  std::uint64_t entries = size_;
  std::uint64_t index = head;
  std::uint64_t bytes = 0;
  // 2.7.5.3.1: no chain is longer than the queue, indirect or not; so a loop is found, too.
  unsigned length = 0;
  bool inside = false;  // An indirect table, which may be the descriptor table itself.
  while (length < size_) {
    auto const descriptor = copy_descriptor(table, index);
    if ((descriptor.flags & kDescriptorIndirect) != 0) {
      bool const fits = descriptor.length % sizeof(Descriptor) == 0 && descriptor.length != 0;
      if (!indirect_ || inside || !fits || (descriptor.flags & kDescriptorNext) != 0) {
        return broken(
            fmt::format("an indirect descriptor of {} bytes where none may be", descriptor.length));
      }
      GuestAddress const address{descriptor.address};
      table = memory_->host_address(address, descriptor.length);
      if (table == nullptr) return broken("an indirect table outside guest RAM");
      entries = descriptor.length / sizeof(Descriptor);
      inside = true;
      index = 0;
      length = 0;
      continue;
    }
    ++length;
    bytes += descriptor.length;
    if (bytes > std::numeric_limits<std::uint32_t>::max()) return broken("a chain of 4 GiB");
    BH_TRY(add(descriptor, chain));
    if ((descriptor.flags & kDescriptorNext) == 0) return {};
    index = descriptor.next;
    if (index >= entries) {
      return broken(fmt::format("descriptor {} in a table of {}", index, entries));
    }
  }
  return broken(fmt::format("a chain of more than {} descriptors", size_));
}

void Queue::push(std::uint16_t head, std::uint32_t written) {
  UsedElement const element{.id = head, .length = written};
  std::uint64_t const offset = kRingEntries + sizeof element * (next_used_ % size_);
  std::memcpy(used_ + offset, &element, sizeof element);
  memory_->note_write(used_address_ + offset, sizeof element);
  ++next_used_;
}

bool Queue::publish() {
  if (next_used_ == published_used_) return false;
  store_used16(kRingIndex, next_used_);
  // In this order, and so sequentially consistent: our index must be seen before we look whether
  // the driver wants to hear of it.
  std::uint16_t const before = published_used_;
  published_used_ = next_used_;
  if (!event_index_) return (load16(available_, kRingFlags) & kAvailNoInterrupt) == 0;
  std::uint16_t const event = load16(available_, kRingEntries + 2ULL * size_);
  return passed(event, next_used_, before);
}

bool Queue::enable_notifications(std::uint16_t seen) {
  if (event_index_) {
    store_used16(kRingEntries + sizeof(UsedElement) * size_, seen);
  } else if (!wants_notifications_) {
    store_used16(kRingFlags, 0);
  }
  wants_notifications_ = true;
  // The driver reads what we wrote after it stored its index; one of us sees the other's.
  return load16(available_, kRingIndex) != seen;
}

void Queue::disable_notifications() {
  // With event indexes an old one does it.
  if (event_index_ || !wants_notifications_) return;
  wants_notifications_ = false;
  store_used16(kRingFlags, kUsedNoNotify);
}

}  // namespace bh::vmm::virtio
