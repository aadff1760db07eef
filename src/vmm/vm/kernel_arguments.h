#pragma once

#include <span>
#include <string>

#include "vmm/api/config.h"
#include "vmm/boot/mmio_device.h"

namespace bh::vmm {

/// The kernel's command line: the user's or Firecracker's default, with the root drive and
/// `devices`, before any "--" that ends what is the kernel's.
std::string kernel_arguments(VmConfig const& config, std::span<boot::MmioDevice const> devices);

}  // namespace bh::vmm
