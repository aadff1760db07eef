#include "vmm/virtio/net/backend.h"

#include <utility>

#include "vmm/virtio/net/tap.h"
#include "vmm/virtio/net/user_network.h"

namespace bh::vmm::virtio {

Result<NetBackends> open_net_backends(NetworkInterfaceConfig const& config, Worker& worker) {
  NetBackends backends;
  if (config.backend == NetBackendKind::User) {
    auto network = BH_TRY(UserNetwork::create(config, worker));
    backends.push_back(std::move(network));
    return backends;
  }
  for (unsigned i = 0; i < config.queue_pairs; ++i) {
    auto const kind = config.queue_pairs == 1 ? Tap::Kind::Whole : Tap::Kind::OneOfSeveral;
    auto tap = BH_TRY(Tap::open(config.host_dev_name, kind, worker));
    backends.push_back(std::move(tap));
  }
  return backends;
}

}  // namespace bh::vmm::virtio
