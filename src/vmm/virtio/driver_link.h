#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "vmm/bus/irq_line.h"

namespace bh::vmm::virtio {

/// What a device says to its driver: interrupts, its configuration, and that it needs a reset.
///
/// Any thread may call any method. The line is driven with the lock held, and nothing else is
/// called with it but `on_fault`.
class DriverLink {
 public:
  /// Told once for each time the device needs a reset, with the reason.
  using OnFault = std::move_only_function<void(std::string_view why)>;
  /// Told that a queue has more than its turn took.
  using OnMore = std::function<void(std::size_t queue)>;

  DriverLink(IrqLine line, OnFault on_fault, OnMore on_more, std::vector<std::byte> config)
      : line_(std::move(line)),
        on_fault_(std::move(on_fault)),
        on_more_(std::move(on_more)),
        config_(std::move(config)) {}

  // For the device.

  /// Buffers were used, and the driver wants to hear of it.
  void interrupt_used();
  /// Has the device notified of this queue once more, when its worker has done what waits already.
  void come_again(std::size_t queue) { on_more_(queue); }
  /// Replaces the configuration from `offset` on, and tells the driver. What does not fit is left.
  void change_config(std::uint64_t offset, std::span<std::byte const> bytes);
  /// The driver broke the rules (VIRTIO 1.2, 2.1.2): nothing goes on until it resets the device.
  void need_reset(std::string_view why);

  // For the transport.

  std::uint32_t interrupt_status() const;
  void acknowledge(std::uint32_t bits);
  bool needs_reset() const;
  std::uint32_t config_generation() const;
  /// Zeros where there is none.
  void read_config(std::uint64_t offset, std::span<std::byte> out) const;
  /// As change_config(), without telling the driver; false where there is none.
  bool write_config(std::uint64_t offset, std::span<std::byte const> bytes);
  std::vector<std::byte> config() const;
  /// Back to the start, but for the configuration.
  void reset();
  void restore(std::uint32_t interrupt_status, std::uint32_t generation, bool needs_reset);
  std::uint64_t faults() const;

 private:
  void raise_locked(std::uint32_t bits) BH_REQUIRES(mutex_);
  void update_line_locked() BH_REQUIRES(mutex_);

  mutable Mutex mutex_;
  IrqLine line_ BH_GUARDED_BY(mutex_);
  OnFault on_fault_ BH_GUARDED_BY(mutex_);
  OnMore const on_more_;
  std::vector<std::byte> config_ BH_GUARDED_BY(mutex_);
  std::uint32_t generation_ BH_GUARDED_BY(mutex_) = 0;
  std::uint32_t status_ BH_GUARDED_BY(mutex_) = 0;
  LineLevel level_ BH_GUARDED_BY(mutex_) = LineLevel::Low;
  bool needs_reset_ BH_GUARDED_BY(mutex_) = false;
  std::uint64_t faults_ BH_GUARDED_BY(mutex_) = 0;
};

}  // namespace bh::vmm::virtio
