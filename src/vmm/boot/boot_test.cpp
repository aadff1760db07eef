#include "vmm/boot/boot.h"

#include <gtest/gtest.h>

#include "vmm/boot/layout.h"
#include "vmm/boot/testing/bzimage_builder.h"
#include "vmm/boot/testing/elf_builder.h"
#include "vmm/boot/testing/guest_bytes.h"
#include "vmm/boot/testing/packers.h"
#include "vmm/boot/testing/scratch_file.h"

namespace bh::vmm::boot {
namespace {

constexpr std::uint64_t kMib = 1u << 20;

std::vector<std::byte> small_kernel() {
  return ElfBuilder(0x200010).load(0x200000, "kernel", 0x2000).pvh_note(0x200020).build();
}

std::vector<std::byte> packed_kernel() {
  auto const kernel = small_kernel();
  return BzImageBuilder(pack_lz4(kernel), kernel.size()).build();
}

class BootTest : public testing::Test {
 protected:
  Result<VcpuState> boot(std::vector<std::byte> const& kernel) {
    ScratchFile const file(kernel);
    request_.kernel_path = file.path();
    return prepare_boot(memory_, request_, {});
  }

  /// The message, with "FILE" for the kernel's path.
  std::string error_of(std::vector<std::byte> const& kernel) {
    auto const state = boot(kernel);
    if (state) return "no error";
    std::string message = state.error().message;
    auto const at = message.find(request_.kernel_path);
    return at == message.npos ? message : message.replace(at, request_.kernel_path.size(), "FILE");
  }

  GuestMemory memory_ = *GuestMemory::create(16 * kMib);
  BootRequest request_{.command_line = "console=ttyS0"};
};

TEST_F(BootTest, EntersAVmlinuxIn64BitMode) {
  auto const state = boot(small_kernel());
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->general.rip, 0x200010u);
  EXPECT_EQ(state->general.gpr[Rsi], kZeroPage.value);
  EXPECT_EQ(state->system.efer, 0x500u);
  EXPECT_EQ(value_at<char>(memory_, 0x200000), 'k');
}

TEST_F(BootTest, EntersTheKernelInABzImageInTheSameWay) {
  auto const state = boot(packed_kernel());
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->general.rip, 0x200010u);
  EXPECT_EQ(value_at<char>(memory_, 0x200000), 'k');
  auto const page = value_at<boot_params>(memory_, kZeroPage.value);
  EXPECT_EQ(page.hdr.kernel_alignment, 0x200000u) << "from the image's header";
}

TEST_F(BootTest, EntersBothByPvhIfAsked) {
  request_.protocol = Protocol::Pvh;
  for (auto const& kernel : {small_kernel(), packed_kernel()}) {
    auto const state = boot(kernel);
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ(state->general.rip, 0x200020u);
    EXPECT_EQ(state->general.gpr[Rbx], kPvhStartInfo.value);
  }
}

TEST_F(BootTest, KeepsWhatTheEntryDoesNotAskFor) {
  ScratchFile const file(small_kernel());
  request_.kernel_path = file.path();
  VcpuState reset;
  reset.system.apic_base = 0xfee00900;
  reset.msrs = {{.index = 0x277, .value = 7}};
  reset.general.gpr[Rdx] = 0x600;
  auto const state = prepare_boot(memory_, request_, reset);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->system.apic_base, 0xfee00900u);
  EXPECT_EQ(state->msrs, reset.msrs);
  EXPECT_EQ(state->general.gpr[Rdx], 0u);
}

TEST_F(BootTest, NamesDevicesToKernelsThatDoNotFindThemByAcpi) {
  request_.command_line = "a";
  request_.command_line_without_acpi = "devices";
  ASSERT_TRUE(boot(small_kernel()));
  EXPECT_EQ(value_at<char>(memory_, kCommandLine.value), 'd');
  memory_ = *GuestMemory::create(16 * kMib);
  auto const modern = ElfBuilder(0x200000).load(0x200000, "has LNRO0005 in it", 0x2000).build();
  ASSERT_TRUE(boot(modern));
  EXPECT_EQ(value_at<char>(memory_, kCommandLine.value), 'a');
  memory_ = *GuestMemory::create(16 * kMib);
  request_.command_line = "acpi=off";
  ASSERT_TRUE(boot(modern));
  EXPECT_EQ(value_at<char>(memory_, kCommandLine.value), 'd');
}

TEST_F(BootTest, TellsTheKernelOfItsInitrd) {
  ScratchFile const initrd(std::vector<std::byte>(100, std::byte{'i'}));
  request_.initrd_path = initrd.path();
  ASSERT_TRUE(boot(small_kernel()));
  auto const page = value_at<boot_params>(memory_, kZeroPage.value);
  EXPECT_EQ(page.hdr.ramdisk_size, 100u);
  EXPECT_EQ(value_at<char>(memory_, page.hdr.ramdisk_image), 'i');
}

TEST_F(BootTest, NamesTheKernelThatDoesNotFit) {
  auto const kernel = ElfBuilder(0x1000000).load(0x1000000, "kernel", 40 * kMib).build();
  EXPECT_EQ(error_of(kernel),
            "boot: kernel FILE: ELF segment 0 at 0x1000000 (40 MiB) does not fit into guest "
            "memory of 16 MiB");
}

TEST_F(BootTest, NamesTheFileThatIsNoKernel) {
  EXPECT_EQ(error_of(std::vector<std::byte>(5000, std::byte{'x'})),
            "boot: kernel FILE: neither an ELF vmlinux nor a bzImage");
}

TEST_F(BootTest, NamesTheKernelThatIsMissing) {
  request_.kernel_path = "/nowhere/vmlinux";
  auto const state = prepare_boot(memory_, request_, {});
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().message,
            "boot: kernel /nowhere/vmlinux: open /nowhere/vmlinux: No such file or directory");
}

TEST_F(BootTest, RefusesPvhWithoutAnEntryForIt) {
  request_.protocol = Protocol::Pvh;
  auto const kernel = ElfBuilder(0x200000).load(0x200000, "kernel", 0x1000).build();
  EXPECT_EQ(error_of(kernel),
            "boot: kernel FILE: it has no PVH entry (CONFIG_PVH); use the 64-bit protocol");
}

TEST_F(BootTest, RefusesAKernelThatBothEntriesCannotReach) {
  memory_ = *GuestMemory::create(std::uint64_t{4} << 30);
  auto const kernel = ElfBuilder(0x1'0000'0000).load(0x1'0000'0000, "kernel", 0x1000).build();
  EXPECT_EQ(error_of(kernel), "boot: kernel FILE: it has a segment above 4 GiB");
}

TEST_F(BootTest, RefusesMachinesThatCannotBe) {
  request_.vcpu_count = 0;
  EXPECT_EQ(error_of(small_kernel()), "boot: 0 vCPUs: must be 1 to 254");
  request_.vcpu_count = 255;
  EXPECT_EQ(error_of(small_kernel()), "boot: 255 vCPUs: must be 1 to 254");
  request_.vcpu_count = 1;
  request_.timer_pin = 24;
  EXPECT_EQ(error_of(small_kernel()), "boot: timer pin 24: the IOAPIC has 24");
  request_.timer_pin = 2;
  memory_ = *GuestMemory::create(kMib);
  EXPECT_EQ(error_of(small_kernel()),
            "boot: guest memory of 1 MiB has no room for a kernel (more than 1 MiB is needed)");
}

}  // namespace
}  // namespace bh::vmm::boot
