#include "vmm/vm/devices.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <utility>

#include "vmm/loop/event.h"
#include "vmm/mmds/stack.h"

namespace bh::vmm {

namespace {

// Pins of the I/O APIC nothing else is wired to; those below 16 first, since a kernel without ACPI
// knows only them.
constexpr std::array<unsigned, 16> kLines{5,  6,  7,  10, 11, 12, 14, 15,
                                          16, 17, 18, 19, 20, 21, 22, 23};
// After the boot timer's page, where Firecracker has its devices as well.
constexpr GuestAddress kFirstWindow{0xc000'1000};

// Entries a guest may know of all shares together: each takes a descriptor.
constexpr std::uint64_t kMostNodes = 65536;

/// Lets this process have as many descriptors as it may, and returns how many of them the nodes of
/// all shares may take: half, so that files and sockets have enough left.
std::uint64_t room_for_nodes() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  // The hard limit may always be used up.
  [[maybe_unused]] int const raised = ::setrlimit(RLIMIT_NOFILE, &limit);
  return std::min<std::uint64_t>(limit.rlim_cur / 2, kMostNodes);
}

}  // namespace

Result<std::unique_ptr<Devices>> Devices::create(VmConfig const& config, DevicesWorld world) {
  std::unique_ptr<Devices> devices(new Devices(world));
  for (auto const& drive : config.drives) {
    auto added = devices->add_drive(drive);
    if (!added) {
      return std::unexpected(std::move(added).error().while_doing("drive " + drive.drive_id));
    }
  }
  for (auto const& interface : config.network_interfaces) {
    auto added = devices->add_interface(config, interface);
    if (!added) {
      return std::unexpected(
          std::move(added).error().while_doing("network interface " + interface.iface_id));
    }
  }
  for (auto const& share : config.shares) {
    auto added = devices->add_share(share, room_for_nodes() / config.shares.size());
    if (!added) {
      return std::unexpected(std::move(added).error().while_doing("share " + share.tag));
    }
  }
  if (config.vsock) BH_TRY(devices->add_vsock(*config.vsock));
  if (config.balloon) BH_TRY(devices->add_balloon(*config.balloon));
  if (config.entropy) BH_TRY(devices->add_entropy(*config.entropy));
  return devices;
}

Result<> Devices::add_drive(DriveConfig const& config) {
  auto worker = BH_TRY(Worker::start("drive " + config.drive_id));
  auto device = BH_TRY(virtio::BlockDevice::create(config, *worker, world_.memory));
  drives_.push_back({config.drive_id, device.get()});
  return attach(std::move(worker), std::move(device));
}

Result<> Devices::add_entropy(EntropyConfig const& config) {
  auto worker = BH_TRY(Worker::start("entropy"));
  auto device = BH_TRY(virtio::RngDevice::create(config, *worker, world_.memory));
  entropy_ = device.get();
  return attach(std::move(worker), std::move(device));
}

std::unique_ptr<virtio::FrameInterceptor> Devices::metadata_for(
    VmConfig const& config, NetworkInterfaceConfig const& interface) const {
  if (!config.mmds || world_.metadata == nullptr) return nullptr;
  auto const& ids = config.mmds->network_interfaces;
  if (std::ranges::find(ids, interface.iface_id) == ids.end()) return nullptr;
  return std::make_unique<mmds::Stack>(*config.mmds, *world_.metadata);
}

Result<> Devices::add_interface(VmConfig const& config, NetworkInterfaceConfig const& interface) {
  auto worker = BH_TRY(Worker::start("net " + interface.iface_id));
  auto backends = BH_TRY(virtio::open_net_backends(interface, *worker));
  auto device = BH_TRY(virtio::NetDevice::create(
      interface, *worker, world_.memory, std::move(backends), metadata_for(config, interface)));
  interfaces_.push_back({interface.iface_id, device.get()});
  return attach(std::move(worker), std::move(device));
}

Result<> Devices::add_balloon(BalloonConfig const& config) {
  auto worker = BH_TRY(Worker::start("balloon"));
  auto device = BH_TRY(virtio::BalloonDevice::create(config, *worker, world_.memory));
  balloon_ = device.get();
  return attach(std::move(worker), std::move(device));
}

Result<> Devices::add_vsock(VsockConfig const& config) {
  auto worker = BH_TRY(Worker::start("vsock"));
  auto device = virtio::VsockDevice::create(config, *worker, world_.memory);
  if (!device) return std::unexpected(std::move(device).error().while_doing("vsock"));
  vsock_ = device->get();
  return attach(std::move(worker), *std::move(device));
}

Result<> Devices::add_share(ShareConfig const& config, std::size_t max_nodes) {
  auto worker = BH_TRY(Worker::start("share " + config.tag));
  auto device = BH_TRY(virtio::FsDevice::create(config, max_nodes, *worker, world_.memory));
  shares_.push_back({config.tag, device.get()});
  return attach(std::move(worker), std::move(device));
}

Result<> Devices::attach(std::unique_ptr<Worker> worker,
                         std::unique_ptr<virtio::VirtioDevice> device) {
  std::size_t const index = attached_.size();
  if (index == kLines.size()) {
    return fail(Errc::Unsupported,
                fmt::format("{}: a machine has at most {} devices", device->name(), kLines.size()));
  }
  auto attached = std::make_unique<Attached>();
  attached->place = {.address = kFirstWindow + index * virtio::MmioTransport::kSize,
                     .size = virtio::MmioTransport::kSize,
                     .gsi = kLines[index]};
  attached->worker = std::move(worker);
  attached->device = std::move(device);
  auto line = BH_TRY(this->line(attached->place.gsi));
  attached->transport = BH_TRY(virtio::MmioTransport::create(
      *attached->device, world_.memory, std::move(line),
      [this, name = std::string(attached->device->name())](std::string_view why) {
        world_.logger.log(LogLevel::Warning,
                          fmt::format("{}: the driver must reset it: {}", name, why));
      }));
  BH_TRY(world_.mmio.add({.first = attached->place.address.value, .size = attached->place.size},
                         attached->lock, *attached->transport));
  BH_TRY(attached->transport->use_doorbells(
      [&engine = world_.engine, window = attached->place.address](std::uint64_t offset,
                                                                  std::uint32_t value, int event) {
        // Where it cannot be done, or KVM has no more room, the vCPU comes to us as before.
        return engine.signal_on_write(window + offset, value, event).has_value();
      }));
  attached_.push_back(std::move(attached));
  return {};
}

Result<IrqLine> Devices::line(unsigned gsi) {
  auto event = BH_TRY(create_event());
  if (world_.engine.signal_line_by(gsi, event.get())) {
    // Drivers take edges: that the line is low again tells them nothing.
    return [event = std::move(event)](LineLevel level) {
      if (level == LineLevel::High) ::eventfd_write(event.get(), 1);
    };
  }
  return [this, gsi](LineLevel level) {
    auto const driven = world_.engine.set_irq_line(gsi, level);
    if (!driven) world_.logger.log(LogLevel::Error, driven.error().message);
  };
}

std::vector<boot::MmioDevice> Devices::places() const {
  std::vector<boot::MmioDevice> places;
  for (auto const& attached : attached_) places.push_back(attached->place);
  return places;
}

Result<> Devices::update_drive(DriveUpdate const& update) {
  auto const found = std::ranges::find(drives_, update.drive_id, &Named<virtio::BlockDevice>::id);
  if (found == drives_.end()) {
    return fail(Errc::NotFound, fmt::format("drive {}: there is none", update.drive_id));
  }
  auto& device = *found->device;
  Result<> changed;
  device.worker().run_and_wait([&] {
    if (update.path_on_host) changed = device.replace_image(*update.path_on_host);
    if (changed && update.rate_limiter) device.update_rate_limiter(*update.rate_limiter);
  });
  if (!changed) {
    return std::unexpected(std::move(changed).error().while_doing("drive " + update.drive_id));
  }
  return {};
}

Result<> Devices::update_network_interface(NetworkInterfaceUpdate const& update) {
  auto const found = std::ranges::find(interfaces_, update.iface_id, &Named<virtio::NetDevice>::id);
  if (found == interfaces_.end()) {
    return fail(Errc::NotFound,
                fmt::format("network interface {}: there is none", update.iface_id));
  }
  auto& device = *found->device;
  device.worker().run_and_wait([&] { device.update_rate_limiters(update); });
  return {};
}

}  // namespace bh::vmm
