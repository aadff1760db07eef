#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "vmm/api/device_config.h"
#include "vmm/virtio/device.h"
#include "vmm/virtio/fs/metrics.h"
#include "vmm/virtio/fs/server.h"

namespace bh::vmm::virtio {

/// virtio-fs (VIRTIO 1.2, 5.11): a folder of the host, for the guest to mount by its tag.
class FsDevice final : public VirtioDevice {
 public:
  static constexpr std::size_t kTagSize = 36;

  /// Opens the folder. `max_nodes` bounds the descriptors it may take. The worker and `memory`
  /// outlive the device.
  static Result<std::unique_ptr<FsDevice>> create(ShareConfig const& config, std::size_t max_nodes,
                                                  Worker& worker, GuestMemory& memory);

  DeviceType type() const override { return DeviceType::FileSystem; }
  std::uint64_t features() const override { return 0; }
  /// One for what must not wait (forgetting), one for requests.
  std::size_t queue_count() const override { return 2; }
  std::vector<std::byte> config() const override;

  FsMetrics const& metrics() const { return metrics_; }

 protected:
  void process(std::size_t queue) override;
  void on_deactivate() override { server_.reset(); }

 private:
  FsDevice(ShareConfig const& config, Folder folder, std::size_t max_nodes, Worker& worker,
           GuestMemory& memory);

  std::string const tag_;
  GuestMemory& memory_;
  FsMetrics metrics_;
  FsServer server_;
};

}  // namespace bh::vmm::virtio
