#include "vmm/vm/kernel_arguments.h"

#include <fmt/format.h>

namespace bh::vmm {

std::string kernel_arguments(VmConfig const& config, std::span<boot::MmioDevice const> devices) {
  auto line = config.boot_source.boot_args.value_or(std::string(kDefaultBootArgs));
  // There is no PCI bus to look for.
  std::string added = " pci=off";
  for (auto const& drive : config.drives) {
    if (!drive.is_root_device) continue;
    added += drive.partuuid ? fmt::format(" root=PARTUUID={}", *drive.partuuid) : " root=/dev/vda";
    added += drive.is_read_only ? " ro" : " rw";
  }
  for (auto const& device : devices) {
    added += fmt::format(" virtio_mmio.device={}K@{:#x}:{}", device.size / 1024,
                         device.address.value, device.gsi);
  }
  auto const end = line.starts_with("-- ") ? 0 : line.find(" -- ");
  return end == std::string::npos ? line + added : line.insert(end, added);
}

}  // namespace bh::vmm
