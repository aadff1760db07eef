#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "vmm/api/device_config.h"

namespace bh::vmm::virtio {

/// Which user or group of the guest is which of the host, as a user namespace's map says it.
class IdMap {
 public:
  /// What the guest sees of an id that no range has: "nobody".
  static constexpr std::uint32_t kOverflow = 65534;

  /// Without ranges every id is itself.
  explicit IdMap(std::span<IdRangeConfig const> ranges) : ranges_(ranges.begin(), ranges.end()) {}

  std::uint32_t to_guest(std::uint32_t host) const {
    if (ranges_.empty()) return host;
    for (auto const& range : ranges_) {
      if (host >= range.host && host - range.host < range.count) {
        return static_cast<std::uint32_t>(range.guest + (host - range.host));
      }
    }
    return kOverflow;
  }
  /// Nothing if the host has none for it.
  std::optional<std::uint32_t> to_host(std::uint32_t guest) const {
    if (ranges_.empty()) return guest;
    for (auto const& range : ranges_) {
      if (guest >= range.guest && guest - range.guest < range.count) {
        return static_cast<std::uint32_t>(range.host + (guest - range.guest));
      }
    }
    return std::nullopt;
  }

 private:
  std::vector<IdRangeConfig> ranges_;
};

}  // namespace bh::vmm::virtio
