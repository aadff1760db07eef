#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "base/error.h"
#include "os/unique_fd.h"
#include "vmm/api/device_config.h"
#include "vmm/loop/worker.h"
#include "vmm/virtio/net/layout.h"
#include "vmm/virtio/net/user_network.h"

namespace bh::vmm::virtio {

/// Joins a user network and a network device of the kernel, for who has no driver of ours: a
/// container. What the device's owner sends is hostile, as a guest's.
class Cable {
 public:
  /// `socket` is a packet(7) socket that is bound to the device and does not block. Ports of the
  /// host are open from here on.
  static Result<std::unique_ptr<Cable>> join(NetworkInterfaceConfig const& config,
                                             os::UniqueFd socket, Worker& worker);
  ~Cable();

 private:
  using Frame = std::array<std::byte, kLargestFrame>;

  Cable(os::UniqueFd socket, std::unique_ptr<UserNetwork> network, Worker& worker)
      : socket_(std::move(socket)),
        network_(std::move(network)),
        worker_(worker),
        frame_(std::make_unique<Frame>()) {}

  Result<> watch();
  void take();
  void give();

  os::UniqueFd socket_;
  std::unique_ptr<UserNetwork> network_;
  Worker& worker_;
  std::unique_ptr<Frame> frame_;
};

}  // namespace bh::vmm::virtio
