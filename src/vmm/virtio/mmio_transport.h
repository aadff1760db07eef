#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "os/unique_fd.h"
#include "vmm/bus/device.h"
#include "vmm/virtio/device.h"
#include "vmm/virtio/driver_link.h"

namespace bh::vmm::virtio {

/// Registers of a transport, and how far its queues have got.
struct TransportState {
  std::uint32_t device_features_select = 0;
  std::uint32_t driver_features_select = 0;
  std::uint32_t queue_select = 0;
  std::uint64_t driver_features = 0;
  std::uint32_t status = 0;
  std::uint32_t interrupt_status = 0;
  std::uint32_t config_generation = 0;
  std::vector<QueueConfig> queues;
  std::vector<QueueProgress> progress;  // Empty unless the device was active.
  std::vector<std::byte> config;

  friend bool operator==(TransportState const&, TransportState const&) = default;
};

/// virtio-mmio, version 2 (VIRTIO 1.2, 4.2): the registers between a driver and a device.
///
/// At DRIVER_OK the queues are checked and handed to the device's worker, and no register changes
/// them any more. A notification wakes the worker and never waits; a reset waits for it.
///
/// The bus locks it; the worker and the device outlive it.
class MmioTransport final : public Device {
 public:
  static constexpr std::uint64_t kSize = 0x1000;
  static constexpr std::size_t kMaxQueues = 32;

  static Result<std::unique_ptr<MmioTransport>> create(VirtioDevice& device, GuestMemory& memory,
                                                       IrqLine line, DriverLink::OnFault on_fault);
  ~MmioTransport() override;

  std::string_view name() const override { return device_.name(); }
  void read(std::uint64_t offset, std::span<std::byte> data) override;
  void write(std::uint64_t offset, std::span<std::byte const> data) override;

  DriverLink& link() { return link_; }

  /// Asks to have an event signalled when the driver writes `value` to the register at `offset`, so
  /// that no vCPU has to come to write(). False if that cannot be done.
  using SignalOnWrite = std::function<bool(std::uint64_t offset, std::uint32_t value, int event)>;
  /// Has notifications come as events, as far as possible. Once, before the driver starts. The
  /// events live as long as the transport.
  Result<> use_doorbells(SignalOnWrite const& signal_on_write);

  /// While vCPUs stand still. The caller holds the bus's lock.
  TransportState save() const;
  /// Onto a fresh transport of the same device. Checks `state` as hostile input; on an error
  /// nothing changes.
  Result<> restore(TransportState const& state);

 private:
  MmioTransport(VirtioDevice& device, GuestMemory& memory, IrqLine line,
                DriverLink::OnFault on_fault, os::UniqueFd kick);

  std::uint32_t read_register(std::uint64_t offset) const;
  void write_register(std::uint64_t offset, std::uint32_t value);
  void write_status(std::uint32_t value);
  void write_queue_register(std::uint64_t offset, std::uint32_t value);
  void write_config(std::uint64_t offset, std::span<std::byte const> data);
  void notify(std::uint32_t queue);
  void notify_soon(std::size_t queue);
  void notify_all();
  void serve_notifications();
  void start();
  void reset();
  Result<std::vector<std::optional<Queue>>> make_queues(
      std::span<QueueProgress const> progress) const;
  void hand_over(std::vector<std::optional<Queue>> queues);
  std::uint64_t features() const;
  QueueConfig* selected_queue();

  VirtioDevice& device_;
  GuestMemory& memory_;
  mutable DriverLink link_;
  os::UniqueFd const kick_;
  std::vector<os::UniqueFd> doorbells_;      // By queue, where there are some.
  std::atomic<std::uint32_t> notified_ = 0;  // One bit a queue, until the worker has seen it.

  std::uint32_t device_features_select_ = 0;
  std::uint32_t driver_features_select_ = 0;
  std::uint32_t queue_select_ = 0;
  std::uint64_t driver_features_ = 0;
  std::uint32_t status_ = 0;
  std::vector<QueueConfig> queues_;
};

}  // namespace bh::vmm::virtio
