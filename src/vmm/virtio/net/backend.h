#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/error.h"
#include "vmm/api/device_config.h"
#include "vmm/loop/worker.h"
#include "vmm/virtio/chain.h"

namespace bh::vmm::virtio {

/// The other end of a network interface's cable, for one pair of queues. All calls are on the
/// worker's thread.
///
/// Frames begin with a NetHeader in both directions.
class NetBackend {
 public:
  virtual ~NetBackend() = default;

  /// The offload features it can do.
  virtual std::uint64_t features() const = 0;
  /// What the driver took of them.
  virtual void negotiated(std::uint64_t features) = 0;

  /// Sends a frame of the guest, at most kLargestFrame bytes with its header; false if it is lost.
  virtual bool send(std::span<Segment const> frame) = 0;
  /// Takes the next frame for the guest into `out`, which holds kLargestFrame; 0 if there is none.
  virtual std::size_t receive(std::span<std::byte> out) = 0;

  /// Calls `on_frames` when there may be frames to receive. Until stop(): frames for the guest then
  /// go to its other pairs.
  virtual Result<> start(std::function<void()> on_frames) = 0;
  virtual void stop() = 0;
  /// Whether on_frames is wanted at the moment.
  virtual void listen(bool wanted) = 0;
};

/// What a device has for its pairs of queues: not empty, and all of one cable.
using NetBackends = std::vector<std::unique_ptr<NetBackend>>;

Result<NetBackends> open_net_backends(NetworkInterfaceConfig const& config, Worker& worker);

}  // namespace bh::vmm::virtio
