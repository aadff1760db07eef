#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vmm/memory/guest_memory.h"
#include "vmm/virtio/queue.h"
#include "vmm/virtio/spec.h"

namespace bh::vmm::virtio::testing {

/// A piece of a buffer the fake driver makes available.
struct Piece {
  GuestAddress address;
  std::uint32_t size = 0;
  bool writable = false;
};

/// The driver's side of one split ring, which lies at `base` with its buffers behind it.
class FakeRing {
 public:
  static constexpr std::uint64_t kSpace = 0x40000;

  FakeRing(GuestMemory& memory, GuestAddress base, std::uint16_t size = 16)
      : memory_(&memory), base_(base), size_(size), next_data_(base + 0x4000) {}

  QueueConfig config() const {
    return {.size = size_,
            .ready = true,
            .descriptors = base_,
            .available = base_ + 0x2000,
            .used = base_ + 0x3000};
  }

  /// Room for `size` bytes that the guest owns.
  GuestAddress allocate(std::uint32_t size) {
    auto const address = next_data_;
    next_data_ = next_data_ + (size + 15) / 16 * 16;
    EXPECT_LT(next_data_.value, base_.value + kSpace);
    return address;
  }
  Piece readable(std::string_view bytes) {
    Piece const piece{allocate(static_cast<std::uint32_t>(bytes.size())),
                      static_cast<std::uint32_t>(bytes.size()), false};
    EXPECT_TRUE(memory_->write(piece.address, std::as_bytes(std::span(bytes))));
    return piece;
  }
  template <typename T>
  Piece readable_object(T const& object) {
    return readable({reinterpret_cast<char const*>(&object), sizeof object});
  }
  Piece writable(std::uint32_t size) { return {allocate(size), size, true}; }
  std::string text(Piece const& piece) const {
    std::string bytes(piece.size, '\0');
    EXPECT_TRUE(memory_->read(piece.address, std::as_writable_bytes(std::span(bytes))));
    return bytes;
  }

  void set_descriptor(std::uint16_t index, Descriptor const& descriptor) {
    EXPECT_TRUE(memory_->write_object(base_ + index * sizeof descriptor, descriptor));
  }
  /// Makes a chain of descriptors available and returns its head.
  std::uint16_t offer(std::span<Piece const> pieces) {
    std::uint16_t const head = next_descriptor_;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      std::uint16_t const index = next_descriptor_++ % size_;
      bool const last = i + 1 == pieces.size();
      set_descriptor(index, describe(pieces[i], last, next_descriptor_ % size_));
    }
    make_available(head % size_);
    return head % size_;
  }
  std::uint16_t offer(std::initializer_list<Piece> pieces) {
    return offer(std::span(pieces.begin(), pieces.size()));
  }
  /// The same through an indirect table.
  std::uint16_t offer_indirect(std::initializer_list<Piece> pieces) {
    auto const table = allocate(static_cast<std::uint32_t>(pieces.size() * sizeof(Descriptor)));
    std::uint16_t index = 0;
    for (auto const& piece : pieces) {
      bool const last = index + 1U == pieces.size();
      EXPECT_TRUE(memory_->write_object(table + index * sizeof(Descriptor),
                                        describe(piece, last, index + 1)));
      ++index;
    }
    std::uint16_t const head = next_descriptor_++ % size_;
    set_descriptor(head, {.address = table.value,
                          .length = static_cast<std::uint32_t>(pieces.size() * 16),
                          .flags = kDescriptorIndirect});
    make_available(head);
    return head;
  }
  void make_available(std::uint16_t head) {
    store16(config().available + kRingEntries + 2ULL * (available_ % size_), head);
    set_available_index(++available_);
  }
  void set_available_index(std::uint16_t index) { store16(config().available + kRingIndex, index); }
  void set_used_event(std::uint16_t index) {
    store16(config().available + kRingEntries + 2ULL * size_, index);
  }
  void set_flags(std::uint16_t flags) { store16(config().available, flags); }
  std::uint16_t used_index() const { return load16(config().used + kRingIndex); }
  std::uint16_t used_flags() const { return load16(config().used); }
  std::uint16_t available_event() const {
    return load16(config().used + kRingEntries + sizeof(UsedElement) * size_);
  }
  /// The next used element, if there is one.
  std::optional<UsedElement> take() {
    if (used_index() == used_) return std::nullopt;
    std::uint64_t const slot = used_++ % size_;
    return memory_->read_object<UsedElement>(config().used + kRingEntries + 8 * slot).value();
  }

 private:
  static Descriptor describe(Piece const& piece, bool last, unsigned next) {
    std::uint16_t const flags =
        (piece.writable ? kDescriptorWrite : 0) | (last ? std::uint16_t{0} : kDescriptorNext);
    return {.address = piece.address.value,
            .length = piece.size,
            .flags = flags,
            .next = static_cast<std::uint16_t>(next)};
  }
  /// Indexes and flags are what both sides watch, so they are atomic on both.
  std::atomic_ref<std::uint16_t> field(GuestAddress address) const {
    return std::atomic_ref(
        *reinterpret_cast<std::uint16_t*>(memory_->host_address(address, sizeof(std::uint16_t))));
  }
  void store16(GuestAddress address, std::uint16_t value) { field(address).store(value); }
  std::uint16_t load16(GuestAddress address) const { return field(address).load(); }

  GuestMemory* memory_;
  GuestAddress base_;
  std::uint16_t size_;
  GuestAddress next_data_;
  std::uint16_t next_descriptor_ = 0;
  std::uint16_t available_ = 0;
  std::uint16_t used_ = 0;
};

}  // namespace bh::vmm::virtio::testing
