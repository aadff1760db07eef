#include "vmm/virtio/driver_link.h"

#include <algorithm>

#include "vmm/virtio/spec.h"

namespace bh::vmm::virtio {

void DriverLink::raise_locked(std::uint32_t bits) {
  status_ |= bits;
  update_line_locked();
}

// High from the first reason on until the driver has acknowledged all: that is right for a level
// and, since drivers look at their queues after they have acknowledged, for an edge.
void DriverLink::update_line_locked() {
  auto const level = status_ == 0 ? LineLevel::Low : LineLevel::High;
  if (level != std::exchange(level_, level)) line_(level);
}

void DriverLink::interrupt_used() {
  MutexLock const lock(mutex_);
  raise_locked(kInterruptUsedBuffer);
}

void DriverLink::change_config(std::uint64_t offset, std::span<std::byte const> bytes) {
  if (!write_config(offset, bytes)) return;
  MutexLock const lock(mutex_);
  ++generation_;
  raise_locked(kInterruptConfigChange);
}

void DriverLink::need_reset(std::string_view why) {
  MutexLock const lock(mutex_);
  if (std::exchange(needs_reset_, true)) return;
  ++faults_;
  on_fault_(why);
  raise_locked(kInterruptConfigChange);
}

std::uint32_t DriverLink::interrupt_status() const {
  MutexLock const lock(mutex_);
  return status_;
}

void DriverLink::acknowledge(std::uint32_t bits) {
  MutexLock const lock(mutex_);
  status_ &= ~bits;
  // A reason that came after the driver had looked: with an edge for the one before, it needs its
  // own.
  if (status_ != 0 && level_ == LineLevel::High) line_(level_ = LineLevel::Low);
  update_line_locked();
}

bool DriverLink::needs_reset() const {
  MutexLock const lock(mutex_);
  return needs_reset_;
}

std::uint32_t DriverLink::config_generation() const {
  MutexLock const lock(mutex_);
  return generation_;
}

void DriverLink::read_config(std::uint64_t offset, std::span<std::byte> out) const {
  std::ranges::fill(out, std::byte{0});
  MutexLock const lock(mutex_);
  if (offset >= config_.size()) return;
  auto const there = std::span(config_).subspan(offset);
  std::ranges::copy(there.first(std::min(there.size(), out.size())), out.begin());
}

bool DriverLink::write_config(std::uint64_t offset, std::span<std::byte const> bytes) {
  MutexLock const lock(mutex_);
  if (offset > config_.size() || bytes.size() > config_.size() - offset) return false;
  std::ranges::copy(bytes, config_.begin() + static_cast<std::ptrdiff_t>(offset));
  return true;
}

std::vector<std::byte> DriverLink::config() const {
  MutexLock const lock(mutex_);
  return config_;
}

void DriverLink::reset() {
  restore(0, config_generation(), false);
}

void DriverLink::restore(std::uint32_t interrupt_status, std::uint32_t generation,
                         bool needs_reset) {
  MutexLock const lock(mutex_);
  status_ = interrupt_status;
  generation_ = generation;
  needs_reset_ = needs_reset;
  update_line_locked();
}

std::uint64_t DriverLink::faults() const {
  MutexLock const lock(mutex_);
  return faults_;
}

}  // namespace bh::vmm::virtio
