#include "vmm/vm/kernel_arguments.h"

#include <gtest/gtest.h>

#include <array>

namespace bh::vmm {
namespace {

TEST(KernelArguments, NameTheRootDriveAndTheDevices) {
  VmConfig config;
  config.boot_source.boot_args = "console=ttyS0";
  config.drives = {{.drive_id = "root", .is_root_device = true, .is_read_only = true}};
  std::array<boot::MmioDevice, 1> const devices{
      {{.address = {0xc0001000}, .size = 4096, .gsi = 5}}};
  EXPECT_EQ(kernel_arguments(config, devices),
            "console=ttyS0 pci=off root=/dev/vda ro virtio_mmio.device=4K@0xc0001000:5");
}

TEST(KernelArguments, FindTheRootByItsPartition) {
  VmConfig config;
  config.boot_source.boot_args = "a";
  config.drives = {{.drive_id = "root", .is_root_device = true, .partuuid = "0e-1"}};
  EXPECT_EQ(kernel_arguments(config, {}), "a pci=off root=PARTUUID=0e-1 rw");
}

TEST(KernelArguments, LeaveWhatIsForInitAtTheEnd) {
  VmConfig config;
  config.boot_source.boot_args = "quiet -- single";
  EXPECT_EQ(kernel_arguments(config, {}), "quiet pci=off -- single");
}

TEST(KernelArguments, HaveFirecrackersDefault) {
  EXPECT_EQ(kernel_arguments({}, {}), std::string(kDefaultBootArgs) + " pci=off");
}

}  // namespace
}  // namespace bh::vmm
