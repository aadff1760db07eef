#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "vmm/boot/mmio_device.h"

namespace bh::vmm::boot {

/// The hardware id by which Linux finds virtio-mmio devices.
inline constexpr std::string_view kVirtioMmioHid = "LNRO0005";

/// The Differentiated System Description Table (ACPI 6.3, 5.2.11.1): COM1, the given virtio-mmio
/// devices in their order (LNRO0005, named V000 on), and the way to power off.
Result<std::vector<std::byte>> make_dsdt(std::span<MmioDevice const> devices);

}  // namespace bh::vmm::boot
