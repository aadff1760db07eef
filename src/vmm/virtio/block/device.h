#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "vmm/api/device_config.h"
#include "vmm/virtio/block/async_requests.h"
#include "vmm/virtio/block/image.h"
#include "vmm/virtio/block/metrics.h"
#include "vmm/virtio/device.h"
#include "vmm/virtio/rate_limiter.h"

namespace bh::vmm::virtio {

/// virtio-blk (VIRTIO 1.2, 5.2).
class BlockDevice final : public VirtioDevice {
 public:
  /// Opens the image. The worker and `memory` outlive the device.
  static Result<std::unique_ptr<BlockDevice>> create(DriveConfig const& config, Worker& worker,
                                                     GuestMemory& memory);

  DeviceType type() const override { return DeviceType::Block; }
  std::uint64_t features() const override;
  std::size_t queue_count() const override { return num_queues_; }
  std::vector<std::byte> config() const override;

  void settle() override;

  BlockMetrics const& metrics() const { return metrics_; }

  /// Opens `path` in the place of the image, as PATCH /drives does; on an error the old one stays.
  Result<> replace_image(std::string const& path);
  void update_rate_limiter(RateLimiterConfig const& limits);

 protected:
  void process(std::size_t queue) override;
  void on_deactivate() override { settle(); }

 private:
  BlockDevice(DriveConfig const& config, Worker& worker, GuestMemory& memory,
              std::unique_ptr<BlockImage> image);

  std::optional<std::uint32_t> serve(Chain const& chain);
  void serve_async(std::size_t index);
  void push_done(AsyncRequests::Origin origin, DeferredBlock const& request, bool ok);
  void publish_done();
  void go_on();
  BlockTarget target() {
    return {.memory = memory_,
            .image = *image_,
            .metrics = metrics_,
            .read_only = config_.is_read_only};
  }

  DriveConfig config_;
  GuestMemory& memory_;
  std::size_t const num_queues_;
  std::unique_ptr<BlockImage> image_;
  std::unique_ptr<Throttle> throttle_;
  BlockMetrics metrics_;
  std::unique_ptr<AsyncRequests> async_;  // For IoEngine::Async.
  bool full_ = false;                     // Requests wait in the queues until others have ended.
};

}  // namespace bh::vmm::virtio
