#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "vmm/api/config.h"
#include "vmm/boot/mmio_device.h"
#include "vmm/bus/bus.h"
#include "vmm/engine/engine.h"
#include "vmm/loop/worker.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/mmds/store.h"
#include "vmm/virtio/balloon/device.h"
#include "vmm/virtio/block/device.h"
#include "vmm/virtio/fs/device.h"
#include "vmm/virtio/mmio_transport.h"
#include "vmm/virtio/net/device.h"
#include "vmm/virtio/rng/device.h"
#include "vmm/virtio/vsock/device.h"
#include "vmm/vm/logger.h"

namespace bh::vmm {

/// What virtio devices need of the machine. Outlives them.
struct DevicesWorld {
  GuestMemory& memory;
  Engine& engine;
  Bus& mmio;
  Logger& logger;
  mmds::Store* metadata;  // Absent: there is none for the guest.
};

/// The virtio devices of a machine, each with a worker of its own and a place on the bus.
///
/// Made before vCPUs run and destroyed after they have ended. The methods that change a device may
/// be called by any thread but a worker's, and return when the device has changed.
class Devices {
 public:
  static Result<std::unique_ptr<Devices>> create(VmConfig const& config, DevicesWorld world);

  /// In the order in which the guest shall find them.
  std::vector<boot::MmioDevice> places() const;

  Result<> update_drive(DriveUpdate const& update);
  Result<> update_network_interface(NetworkInterfaceUpdate const& update);
  Result<> set_balloon(std::uint64_t amount_mib);
  Result<> set_balloon_polling(std::uint64_t seconds);
  Result<boost::json::object> balloon_statistics();
  Result<> start_balloon_hinting(bool acknowledge);
  Result<> stop_balloon_hinting();
  Result<boost::json::object> balloon_hinting();
  /// Counters of all devices, by Firecracker's names.
  boost::json::object metrics() const;

 private:
  /// In the order they need each other.
  struct Attached {
    std::unique_ptr<Worker> worker;
    std::unique_ptr<virtio::VirtioDevice> device;
    std::unique_ptr<virtio::MmioTransport> transport;
    Mutex lock;
    boot::MmioDevice place;
  };
  template <typename D>
  struct Named {
    std::string id;
    D* device;
  };

  explicit Devices(DevicesWorld world) : world_(world) {}

  Result<> add_drive(DriveConfig const& config);
  Result<> add_entropy(EntropyConfig const& config);
  Result<> add_interface(VmConfig const& config, NetworkInterfaceConfig const& interface);
  Result<> add_balloon(BalloonConfig const& config);
  Result<> add_vsock(VsockConfig const& config);
  Result<> add_share(ShareConfig const& config, std::size_t max_nodes);
  Result<> attach(std::unique_ptr<Worker> worker, std::unique_ptr<virtio::VirtioDevice> device);
  std::unique_ptr<virtio::FrameInterceptor> metadata_for(
      VmConfig const& config, NetworkInterfaceConfig const& interface) const;
  Result<IrqLine> line(unsigned gsi);

  DevicesWorld world_;
  std::vector<std::unique_ptr<Attached>> attached_;
  std::vector<Named<virtio::BlockDevice>> drives_;
  std::vector<Named<virtio::NetDevice>> interfaces_;
  std::vector<Named<virtio::FsDevice>> shares_;
  virtio::RngDevice* entropy_ = nullptr;
  virtio::VsockDevice* vsock_ = nullptr;
  virtio::BalloonDevice* balloon_ = nullptr;
};

}  // namespace bh::vmm
