#pragma once

#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/virtio/chain.h"
#include "vmm/virtio/spec.h"

namespace bh::vmm::virtio {

/// What the driver said about a queue, not checked yet.
struct QueueConfig {
  std::uint16_t size = 0;  // Entries.
  bool ready = false;
  GuestAddress descriptors;
  GuestAddress available;
  GuestAddress used;

  friend bool operator==(QueueConfig const&, QueueConfig const&) = default;
};

/// How far a queue has got, modulo 2^16.
struct QueueProgress {
  std::uint16_t next_available = 0;
  std::uint16_t next_used = 0;

  friend bool operator==(QueueProgress const&, QueueProgress const&) = default;
};

/// The device's side of a split virtqueue (VIRTIO 1.2, 2.7), with indirect descriptors and event
/// indexes. It is checked and fixed when it is made: whatever the driver does to its registers
/// later changes nothing here.
///
/// One thread uses it. `memory` outlives it.
class Queue {
 public:
  /// Errc::Corrupt if the configuration breaks the specification or leaves RAM.
  static Result<Queue> create(GuestMemory& memory, QueueConfig const& config,
                              std::uint64_t features, QueueProgress progress = {});

  /// The next buffer of the driver into `chain`, whose vectors are reused; false if there is none.
  /// Errc::Corrupt if the driver broke the rules: the device then needs a reset.
  Result<bool> pop(Chain& chain);
  /// Whether pop() would find something.
  bool has_available() const { return load16(available_, kRingIndex) != next_available_; }
  /// Takes back the last `count` pops that were not pushed.
  void unpop(std::uint16_t count = 1) { next_available_ -= count; }

  /// Returns a chain with `written` bytes in its writable part. The driver sees it after publish().
  void push(Chain const& chain, std::uint32_t written) { push(chain.head, written); }
  void push(std::uint16_t head, std::uint32_t written);
  /// Shows the driver what was pushed; true if it wants an interrupt for that.
  bool publish();

  /// Asks the driver to notify us of its next buffer; true if one has come in the meantime, so that
  /// the caller must look again.
  bool enable_notifications() { return enable_notifications(next_available_); }
  /// The same for who popped up to `seen` (of progress()) and took it back: only buffers beyond
  /// that count.
  bool enable_notifications(std::uint16_t seen);
  /// While we look at the queue anyway.
  void disable_notifications();

  QueueProgress progress() const { return {next_available_, next_used_}; }
  std::uint16_t size() const { return size_; }

 private:
  explicit Queue(GuestMemory& memory) : memory_(&memory) {}

  std::uint16_t load16(std::byte const* ring, std::uint64_t offset) const;
  void store_used16(std::uint64_t offset, std::uint16_t value);
  Result<> follow(std::uint16_t head, Chain& chain) const;
  Result<> add(Descriptor const& descriptor, Chain& chain) const;

  GuestMemory* memory_;
  std::byte* descriptors_ = nullptr;  // guest-controlled
  std::byte* available_ = nullptr;    // guest-controlled
  std::byte* used_ = nullptr;         // guest-controlled
  GuestAddress used_address_;
  std::uint16_t size_ = 0;
  bool event_index_ = false;
  bool indirect_ = false;
  bool wants_notifications_ = true;
  std::uint16_t next_available_ = 0;
  std::uint16_t next_used_ = 0;
  std::uint16_t published_used_ = 0;
};

}  // namespace bh::vmm::virtio
