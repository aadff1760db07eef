#include <unistd.h>

#include <array>
#include <utility>

#include "vmm/control/route.h"

namespace bh::vmm::control {

namespace {

/// A whole device, put into the configuration by `kPut`.
template <typename Config, Result<> (*kPut)(VmConfig&, Config)>
Action put(Config config) {
  return [config = std::move(config)](Controller& controller) mutable -> Result<Answer> {
    BH_TRY(kPut(controller.config(), std::move(config)));
    return Answer();
  };
}

Result<Action> put_drive_route(Call const& call) {
  auto drive = BH_TRY(decode_body<DriveConfig>(call));
  BH_TRY(check_same_id(call, drive.drive_id));
  return [drive = std::move(drive)](Controller& controller) mutable -> Result<Answer> {
    if (::access(drive.path_on_host.c_str(), drive.is_read_only ? R_OK : R_OK | W_OK) != 0) {
      return fail_errno("Unable to create the virtio block device: open " + drive.path_on_host,
                        errno);
    }
    BH_TRY(put_drive(controller.config(), std::move(drive)));
    return Answer();
  };
}

Result<Action> patch_drive(Call const& call) {
  auto update = BH_TRY(decode_body<DriveUpdate>(call));
  BH_TRY(check_same_id(call, update.drive_id));
  return [update = std::move(update)](Controller& controller) -> Result<Answer> {
    BH_TRY(controller.machine().update_drive(update));
    for (auto& drive : controller.config().drives) {
      if (drive.drive_id != update.drive_id) continue;
      if (update.path_on_host) drive.path_on_host = *update.path_on_host;
      if (update.rate_limiter) drive.rate_limiter = update.rate_limiter;
    }
    return Answer();
  };
}

Result<Action> put_interface(Call const& call) {
  auto interface = BH_TRY(decode_body<NetworkInterfaceConfig>(call));
  BH_TRY(check_same_id(call, interface.iface_id));
  return put<NetworkInterfaceConfig, put_network_interface>(std::move(interface));
}

Result<Action> patch_interface(Call const& call) {
  auto update = BH_TRY(decode_body<NetworkInterfaceUpdate>(call));
  BH_TRY(check_same_id(call, update.iface_id));
  return [update = std::move(update)](Controller& controller) -> Result<Answer> {
    BH_TRY(controller.machine().update_network_interface(update));
    return Answer();
  };
}

Result<Action> put_vsock_route(Call const& call) {
  auto vsock = BH_TRY(decode_body<VsockConfig>(call));
  return put<VsockConfig, put_vsock>(std::move(vsock));
}

Result<Action> put_entropy(Call const& call) {
  auto entropy = BH_TRY(decode_body<EntropyConfig>(call));
  return [entropy = std::move(entropy)](Controller& controller) mutable -> Result<Answer> {
    controller.config().entropy = std::move(entropy);
    return Answer();
  };
}

Result<Action> put_share_route(Call const& call) {
  auto share = BH_TRY(decode_body<ShareConfig>(call));
  BH_TRY(check_same_id(call, share.tag));
  return put<ShareConfig, put_share>(std::move(share));
}

Result<Action> pmem(Call const&) {
  return unsupported("pmem");
}
Result<Action> memory_hotplug(Call const&) {
  return unsupported("memory hotplug");
}
Result<Action> unplug(Call const&) {
  return unsupported("removing a device");
}
Result<Action> snapshot(Call const&) {
  return unsupported("snapshot");
}

constexpr std::array kRoutes{
    Route{"PUT", "/drives/{id}", When::Before, Body::Required, put_drive_route},
    Route{"PATCH", "/drives/{id}", When::After, Body::Required, patch_drive},
    Route{"DELETE", "/drives/{id}", When::After, Body::None, unplug},
    Route{"PUT", "/network-interfaces/{id}", When::Before, Body::Required, put_interface},
    Route{"PATCH", "/network-interfaces/{id}", When::After, Body::Required, patch_interface},
    Route{"DELETE", "/network-interfaces/{id}", When::After, Body::None, unplug},
    Route{"PUT", "/vsock", When::Before, Body::Required, put_vsock_route},
    Route{"PUT", "/entropy", When::Before, Body::Required, put_entropy},
    Route{"PUT", "/shares/{id}", When::Before, Body::Required, put_share_route},
    Route{"PUT", "/pmem/{id}", When::Before, Body::Required, pmem},
    Route{"PATCH", "/pmem/{id}", When::After, Body::Required, pmem},
    Route{"DELETE", "/pmem/{id}", When::After, Body::None, pmem},
    Route{"PUT", "/hotplug/memory", When::Before, Body::Required, memory_hotplug},
    Route{"PATCH", "/hotplug/memory", When::After, Body::Required, memory_hotplug},
    Route{"GET", "/hotplug/memory", When::After, Body::None, memory_hotplug},
    Route{"PUT", "/snapshot/create", When::After, Body::Required, snapshot},
    Route{"PUT", "/snapshot/load", When::Before, Body::Required, snapshot},
};

}  // namespace

std::span<Route const> device_routes() {
  return kRoutes;
}

}  // namespace bh::vmm::control
