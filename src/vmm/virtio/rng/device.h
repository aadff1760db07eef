#pragma once

#include <memory>

#include "base/error.h"
#include "vmm/api/device_config.h"
#include "vmm/virtio/device.h"
#include "vmm/virtio/rate_limiter.h"
#include "vmm/virtio/rng/metrics.h"

namespace bh::vmm::virtio {

/// virtio-rng (VIRTIO 1.2, 5.4): random bytes from the host's kernel.
class RngDevice final : public VirtioDevice {
 public:
  /// What one request gets at most: a guest must not keep the worker busy with one buffer.
  static constexpr std::size_t kMaxBytes = 64 * 1024;

  static Result<std::unique_ptr<RngDevice>> create(EntropyConfig const& config, Worker& worker,
                                                   GuestMemory& memory);

  DeviceType type() const override { return DeviceType::Entropy; }
  std::uint64_t features() const override { return 0; }
  std::size_t queue_count() const override { return 1; }

  RngMetrics const& metrics() const { return metrics_; }

 protected:
  void process(std::size_t queue) override;

 private:
  RngDevice(Worker& worker, GuestMemory& memory)
      : VirtioDevice("entropy", worker), memory_(memory) {}

  std::optional<std::uint32_t> serve(Chain const& chain);

  GuestMemory& memory_;
  std::unique_ptr<Throttle> throttle_;
  RngMetrics metrics_;
};

}  // namespace bh::vmm::virtio
