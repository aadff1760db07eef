#include "vmm/virtio/net/backend.h"

#include <utility>

#include "vmm/virtio/net/tap.h"
#include "vmm/virtio/net/user_network.h"

namespace bh::vmm::virtio {

Result<std::unique_ptr<NetBackend>> open_net_backend(NetworkInterfaceConfig const& config,
                                                     Worker& worker) {
  if (config.backend == NetBackendKind::User) {
    auto network = BH_TRY(UserNetwork::create(config, worker));
    return network;
  }
  auto tap = BH_TRY(Tap::open(config.host_dev_name, worker));
  return tap;
}

}  // namespace bh::vmm::virtio
