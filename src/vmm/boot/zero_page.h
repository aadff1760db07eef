#pragma once

#include <asm/bootparam.h>

#include <optional>
#include <span>

#include "base/error.h"
#include "vmm/boot/e820.h"
#include "vmm/boot/initrd.h"
#include "vmm/memory/guest_memory.h"

namespace bh::vmm::boot {

struct ZeroPageContents {
  std::optional<setup_header> header;  // Of a bzImage; a vmlinux has none.
  std::optional<InitrdPlace> initrd;
  std::span<E820Entry const> memory_map;
  GuestAddress setup_data;  // First of the list, or 0.
};

/// Writes the kernel's boot_params to kZeroPage (Linux Documentation/arch/x86/zero-page.rst). They
/// point to the command line at kCommandLine and to the RSDP at kRsdp.
Result<> write_zero_page(GuestMemory& memory, ZeroPageContents const& contents);

}  // namespace bh::vmm::boot
