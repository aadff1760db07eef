#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "vmm/api/device_config.h"
#include "vmm/virtio/device.h"
#include "vmm/virtio/net/backend.h"
#include "vmm/virtio/net/interceptor.h"
#include "vmm/virtio/net/layout.h"
#include "vmm/virtio/net/metrics.h"
#include "vmm/virtio/rate_limiter.h"

namespace bh::vmm::virtio {

/// virtio-net (VIRTIO 1.2, 5.1). With several pairs of queues the driver says how many it uses.
class NetDevice final : public VirtioDevice {
 public:
  /// A backend for each pair. `interceptor` may be absent; it sees the guest's frames first.
  static Result<std::unique_ptr<NetDevice>> create(NetworkInterfaceConfig const& config,
                                                   Worker& worker, GuestMemory& memory,
                                                   NetBackends backends,
                                                   std::unique_ptr<FrameInterceptor> interceptor);
  ~NetDevice() override;

  DeviceType type() const override { return DeviceType::Net; }
  std::uint64_t features() const override;
  std::size_t queue_count() const override;
  std::vector<std::byte> config() const override;

  NetMetrics const& metrics() const { return metrics_; }
  void update_rate_limiters(NetworkInterfaceUpdate const& update);

 protected:
  void on_activate() override;
  void on_deactivate() override;
  void process(std::size_t queue) override;

 private:
  NetDevice(NetworkInterfaceConfig const& config, Worker& worker, GuestMemory& memory,
            NetBackends backends, std::unique_ptr<FrameInterceptor> interceptor);

  /// Two queues, and what is on its way through them.
  struct Pair {
    std::size_t receive;
    std::size_t transmit;
    std::unique_ptr<NetBackend> backend;
    bool used = false;
    std::vector<std::byte> frame;  // For the guest, of frame_size bytes; 0: none.
    std::size_t frame_size = 0;
    bool may_pass = false;   // The rate limiter has let it.
    std::uint16_t seen = 0;  // How far into the queue a frame that did not fit has looked.
  };

  bool has_several() const { return pairs_.size() > 1; }
  std::optional<std::size_t> control_queue() const;
  void use_pairs(std::size_t count);
  std::uint32_t control(Chain const& chain);
  void receive_frames(Pair& pair);
  bool next_frame(Pair& pair);
  enum class Delivery : std::uint8_t { Done, NoBuffers, Stop };
  Delivery deliver(Pair& pair, Queue& queue);
  void send_frames(Pair& pair);
  std::optional<std::uint32_t> send(Pair& pair, Chain const& chain);

  NetworkInterfaceConfig const config_;
  GuestMemory& memory_;
  std::vector<Pair> pairs_;  // Stays as it is.
  std::unique_ptr<FrameInterceptor> interceptor_;
  std::unique_ptr<Throttle> rx_throttle_;
  std::unique_ptr<Throttle> tx_throttle_;
  std::vector<Chain> chains_;  // Of one frame; kept for their memory.
  NetMetrics metrics_;
};

}  // namespace bh::vmm::virtio
