#include <fcntl.h>

#include "container/launch/launch.h"
#include "jail/net/device.h"
#include "os/text_file.h"

namespace bh::container {

bool visits(Spec const& spec) {
  return !spec.hooks.prestart.empty() || !spec.hooks.create_runtime.empty() ||
         !spec.os.net_devices.empty();
}

void plan_net_devices(Launch& launch, Plan& plan) {
  for (auto const& [name, inside] : launch.spec.os.net_devices) {
    plan.add(
        Phase::Furnish, "move the network device " + name + " to " + inside,
        [&launch, &name, &inside]() -> Result<> {
          if (!launch.network.valid()) {
            auto const file = std::to_string(launch.state.pid) + "/ns/net";
            launch.network = BH_TRY(os::open_at(launch.proc.fd(), file, O_RDONLY));
          }
          return jail::move_net_device(name, launch.network, inside);
        },
        // The namespace outlives its process as long as we hold it.
        [&launch, &name, &inside] { (void)jail::return_net_device(launch.network, inside, name); });
  }
}

}  // namespace bh::container
