#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vmm/loop/worker.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/virtio/driver_link.h"
#include "vmm/virtio/queue.h"
#include "vmm/virtio/spec.h"
#include "vmm/virtio/turn.h"

namespace bh::vmm::virtio {

/// A virtio device without its transport.
///
/// What is const may be called by any thread; all else runs on the device's worker. Between
/// activate() and deactivate() the queues are there, and their configuration is fixed.
class VirtioDevice {
 public:
  VirtioDevice(std::string name, Worker& worker) : name_(std::move(name)), worker_(worker) {}
  virtual ~VirtioDevice() = default;
  VirtioDevice(VirtioDevice const&) = delete;

  /// Of this one among the machine's devices: "block rootfs".
  std::string_view name() const { return name_; }
  Worker& worker() const { return worker_; }

  virtual DeviceType type() const = 0;
  /// Bits 0-23 and 50-: the device type's own. The transport adds those of queues.
  virtual std::uint64_t features() const = 0;
  virtual std::size_t queue_count() const = 0;
  /// The configuration space at the start.
  virtual std::vector<std::byte> config() const { return {}; }

  /// A queue that the driver left out is absent. The link lives until deactivate().
  void activate(std::uint64_t features, std::vector<std::optional<Queue>> queues, DriverLink& link);
  void deactivate();
  bool active() const { return link_ != nullptr; }

  /// Whether the driver's vCPU is to wait until a notification of this queue has been handled. Any
  /// thread.
  virtual bool handles_at_once(std::size_t /*queue*/) const { return false; }
  /// The driver made buffers available in this queue.
  void notify(std::size_t queue);
  /// The driver wrote to the configuration space, which has the bytes already.
  virtual void config_written(std::uint64_t /*offset*/, std::span<std::byte const> /*bytes*/) {}

  /// Ends what is in flight, so that progress() is all there is to know.
  virtual void settle() {}
  /// How far the queues have got; while active.
  std::vector<QueueProgress> progress() const;

 protected:
  virtual void on_activate() {}
  virtual void on_deactivate() {}
  virtual void process(std::size_t queue) = 0;

  std::uint64_t negotiated() const { return negotiated_; }
  bool has(std::uint64_t feature) const { return (negotiated_ & feature) != 0; }
  /// nullptr if the driver left it out, or the device is not active or needs a reset.
  Queue* queue(std::size_t index);
  DriverLink* link() { return link_; }

  /// Stops the device until the driver resets it.
  void fault(std::string_view why);
  /// Takes the next chain; false if there is none, also after a fault.
  bool pop(Queue& queue, Chain& chain);
  /// Publishes and interrupts if the driver wants it.
  void publish(Queue& queue);

  /// At the end of a Turn: publishes, and comes back to what is left in the queue.
  void end_turn(Queue& queue);

  /// Calls `handle(chain)` for every chain there is, with interrupts and notifications around it.
  /// It returns how many bytes it wrote, or nothing to leave this chain and all later ones there.
  /// What there is after a Turn waits for the next.
  template <typename Handle>
  void drain(Queue& queue, Handle&& handle) {
    Turn turn;
    do {
      queue.disable_notifications();
      while (pop(queue, chain_)) {
        std::optional<std::uint32_t> const written = handle(chain_);
        if (faulted_) return;
        if (!written) {
          queue.unpop();
          publish(queue);
          return;
        }
        queue.push(chain_, *written);
        if (turn.over()) return end_turn(queue);
      }
      publish(queue);
    } while (!faulted_ && queue.enable_notifications());
  }

 private:
  std::string const name_;
  Worker& worker_;
  std::uint64_t negotiated_ = 0;
  std::vector<std::optional<Queue>> queues_;
  DriverLink* link_ = nullptr;
  bool faulted_ = false;
  Chain chain_;  // Kept for its memory.
};

}  // namespace bh::vmm::virtio
