#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "vmm/boot/mmio_device.h"
#include "vmm/engine/registers.h"
#include "vmm/memory/guest_memory.h"

namespace bh::vmm::boot {

/// How the kernel is entered. Both work for an ELF vmlinux and for a bzImage.
enum class Protocol {
  Auto,     // Linux64.
  Linux64,  // Long mode, rsi = zero page (Linux Documentation/arch/x86/boot.rst, "64-bit").
  Pvh,      // 32-bit protected mode, ebx = hvm_start_info (Xen docs/misc/pvh.pandoc).
};

struct BootRequest {
  std::string kernel_path;
  std::optional<std::string> initrd_path;
  std::string command_line;
  /// For kernels that do not look for virtio-mmio devices in ACPI's tables; empty: the same.
  std::string command_line_without_acpi;
  unsigned vcpu_count = 1;
  Protocol protocol = Protocol::Auto;
  /// virtio-mmio devices the guest shall find through ACPI.
  std::vector<MmioDevice> mmio_devices;
  /// The IOAPIC pin the timer (ISA IRQ 0) is wired to: 2 on a PC, 0 with KVM's default routing.
  unsigned timer_pin = 2;
};

/// Puts kernel, initrd, command line and firmware tables into guest memory and returns
/// `reset_state` with the registers changed to enter the kernel on the first vCPU.
///
/// `memory` must be fresh: zero-filled, and with no vCPU running. After an error its contents are
/// unspecified. The write hook is not told.
/// Errors are one line, "boot: kernel /x/vmlinux: ...".
Result<VcpuState> prepare_boot(GuestMemory& memory, BootRequest const& request,
                               VcpuState reset_state);

}  // namespace bh::vmm::boot
