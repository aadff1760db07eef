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

/// virtio-net (VIRTIO 1.2, 5.1) with one pair of queues.
class NetDevice final : public VirtioDevice {
 public:
  /// `interceptor` may be absent; it sees the guest's frames first.
  static Result<std::unique_ptr<NetDevice>> create(NetworkInterfaceConfig const& config,
                                                   Worker& worker, GuestMemory& memory,
                                                   std::unique_ptr<NetBackend> backend,
                                                   std::unique_ptr<FrameInterceptor> interceptor);
  ~NetDevice() override;

  DeviceType type() const override { return DeviceType::Net; }
  std::uint64_t features() const override;
  std::size_t queue_count() const override { return 2; }
  std::vector<std::byte> config() const override;

  NetMetrics const& metrics() const { return metrics_; }
  void update_rate_limiters(NetworkInterfaceUpdate const& update);

 protected:
  void on_activate() override;
  void on_deactivate() override;
  void process(std::size_t queue) override;

 private:
  NetDevice(NetworkInterfaceConfig const& config, Worker& worker, GuestMemory& memory,
            std::unique_ptr<NetBackend> backend, std::unique_ptr<FrameInterceptor> interceptor);

  void receive_frames();
  bool next_frame();
  enum class Delivery : std::uint8_t { Done, NoBuffers, Stop };
  Delivery deliver(Queue& queue);
  void send_frames();
  std::optional<std::uint32_t> send(Chain const& chain);

  NetworkInterfaceConfig const config_;
  GuestMemory& memory_;
  std::unique_ptr<NetBackend> backend_;
  std::unique_ptr<FrameInterceptor> interceptor_;
  std::unique_ptr<Throttle> rx_throttle_;
  std::unique_ptr<Throttle> tx_throttle_;
  std::vector<std::byte> frame_;  // For the guest, of frame_size_ bytes; 0: none.
  std::size_t frame_size_ = 0;
  bool may_pass_ = false;      // The rate limiter has let it.
  std::uint16_t seen_ = 0;     // How far into the queue a frame that did not fit has looked.
  std::vector<Chain> chains_;  // Of one frame; kept for their memory.
  NetMetrics metrics_;
};

}  // namespace bh::vmm::virtio
