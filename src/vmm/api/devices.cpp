#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "vmm/api/config.h"

namespace bh::vmm {

namespace {

// VIRTIO 1.2, 5.10.4: 0 to 2 are reserved, and so is the highest of 32 bits.
constexpr std::uint64_t kFirstGuestCid = 3;
constexpr std::uint64_t kLastGuestCid = 0xffff'fffe;
// RFC 791, 3.2: what every host can receive.
constexpr std::uint64_t kSmallestMtu = 68;
// What the configuration space of virtio-fs has room for.
constexpr std::size_t kLongestTag = 36;
// As many as a user namespace could have before Linux 4.15: more is a mistake.
constexpr std::size_t kMostIdRanges = 5;

Result<> check_id(std::string_view what, std::string_view id) {
  auto const allowed = [](unsigned char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
           (letter >= 'A' && letter <= 'Z') || letter == '_' || letter == '-';
  };
  if (!id.empty() && std::ranges::all_of(id, allowed)) return {};
  return fail(Errc::Invalid,
              fmt::format("{} \"{}\": must be letters, digits, '_' and '-'", what, id));
}

template <typename Device>
Device* find(std::vector<Device>& devices, std::string Device::* id, std::string const& wanted) {
  auto const found = std::ranges::find(devices, wanted, id);
  return found == devices.end() ? nullptr : &*found;
}

template <typename Device>
void put(std::vector<Device>& devices, std::string Device::* id, Device device) {
  if (auto* const old = find(devices, id, device.*id)) {
    *old = std::move(device);
  } else {
    devices.push_back(std::move(device));
  }
}

Result<> check_id_map(std::string_view what, std::vector<IdRangeConfig> const& map) {
  if (map.size() > kMostIdRanges) {
    return fail(Errc::Invalid, fmt::format("{}: must have at most {} ranges", what, kMostIdRanges));
  }
  constexpr std::uint64_t kEnd = std::uint64_t{1} << 32;
  for (auto const& range : map) {
    if (range.count == 0 || std::max(range.guest, range.host) + range.count >= kEnd) {
      return fail(Errc::Invalid,
                  fmt::format("{}: {} ids from {} and {}: must be at least one, below 2^32 - 1",
                              what, range.count, range.guest, range.host));
    }
  }
  return {};
}

}  // namespace

Result<> put_drive(VmConfig& config, DriveConfig drive) {
  BH_TRY(check_id("drive_id", drive.drive_id));
  for (auto const& other : config.drives) {
    if (drive.is_root_device && other.is_root_device && other.drive_id != drive.drive_id) {
      return fail(Errc::Exists, "A root block device already exists!");
    }
  }
  put(config.drives, &DriveConfig::drive_id, std::move(drive));
  // The kernel names drives in the order in which it finds them: the root is to be vda.
  auto const root = std::ranges::find(config.drives, true, &DriveConfig::is_root_device);
  if (root != config.drives.end()) std::rotate(config.drives.begin(), root, root + 1);
  return {};
}

Result<> check_user_network(NetworkInterfaceConfig const& interface) {
  if (interface.backend == NetBackendKind::User) return {};
  for (auto const& [given, name] : {std::pair(interface.host_loopback, "host_loopback"),
                                    std::pair(interface.restricted, "restricted"),
                                    std::pair(!interface.port_forwards.empty(), "port_forwards")}) {
    if (given) return fail(Errc::Invalid, fmt::format("{}: only with backend \"User\"", name));
  }
  return {};
}

Result<> put_network_interface(VmConfig& config, NetworkInterfaceConfig interface) {
  BH_TRY(check_id("iface_id", interface.iface_id));
  if (interface.mtu && *interface.mtu < kSmallestMtu) {
    return fail(Errc::Invalid,
                fmt::format("mtu {}: must be {} to 65535", *interface.mtu, kSmallestMtu));
  }
  BH_TRY(check_user_network(interface));
  if (interface.queue_pairs != 1 && interface.backend != NetBackendKind::Tap) {
    return fail(Errc::Invalid, "queue_pairs: several only with a tap");
  }
  for (auto const& other : config.network_interfaces) {
    if (interface.guest_mac && other.guest_mac == interface.guest_mac &&
        other.iface_id != interface.iface_id) {
      return fail(Errc::Exists,
                  fmt::format("The MAC address is already in use: {}", *interface.guest_mac));
    }
  }
  put(config.network_interfaces, &NetworkInterfaceConfig::iface_id, std::move(interface));
  return {};
}

Result<> put_vsock(VmConfig& config, VsockConfig vsock) {
  if (vsock.guest_cid < kFirstGuestCid || vsock.guest_cid > kLastGuestCid) {
    return fail(Errc::Invalid, fmt::format("guest_cid {}: must be {} to {}", vsock.guest_cid,
                                           kFirstGuestCid, kLastGuestCid));
  }
  config.vsock = std::move(vsock);
  return {};
}

Result<> put_balloon(VmConfig& config, BalloonConfig balloon) {
  config.balloon = balloon;
  return {};
}

Result<> put_mmds(VmConfig& config, MmdsConfig mmds) {
  if (mmds.network_interfaces.empty()) {
    return fail(Errc::Invalid, "The list of network interface IDs is empty.");
  }
  config.mmds = std::move(mmds);
  return {};
}

Result<> put_share(VmConfig& config, ShareConfig share) {
  BH_TRY(check_id("tag", share.tag));
  if (share.tag.size() > kLongestTag) {
    return fail(Errc::Invalid,
                fmt::format("tag \"{}\": must be at most {} bytes", share.tag, kLongestTag));
  }
  BH_TRY(check_id_map("uid_map", share.uid_map));
  BH_TRY(check_id_map("gid_map", share.gid_map));
  put(config.shares, &ShareConfig::tag, std::move(share));
  return {};
}

Result<> check_references(VmConfig const& config) {
  if (!config.mmds) return {};
  for (auto const& id : config.mmds->network_interfaces) {
    if (std::ranges::find(config.network_interfaces, id, &NetworkInterfaceConfig::iface_id) ==
        config.network_interfaces.end()) {
      return fail(Errc::Invalid,
                  "The list of network interface IDs provided contains at least one ID that does "
                  "not correspond to any existing network interface.");
    }
  }
  return {};
}

Result<std::array<std::uint8_t, 6>> parse_mac(std::string_view text) {
  std::array<std::uint8_t, 6> bytes{};
  auto const bad = [&] { return fail(Errc::Invalid, fmt::format("MAC address \"{}\"", text)); };
  if (text.size() != 17) return bad();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    char const* const start = text.data() + 3 * i;
    auto const [end, error] = std::from_chars(start, start + 2, bytes[i], 16);
    if (error != std::errc() || end != start + 2) return bad();
    if (i + 1 < bytes.size() && start[2] != ':') return bad();
  }
  return bytes;
}

Result<std::array<std::uint8_t, 4>> parse_ipv4(std::string_view text) {
  std::array<std::uint8_t, 4> bytes{};
  if (::inet_pton(AF_INET, std::string(text).c_str(), bytes.data()) != 1) {
    return fail(Errc::Invalid, fmt::format("IPv4 address \"{}\"", text));
  }
  return bytes;
}

}  // namespace bh::vmm
