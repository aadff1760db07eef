#pragma once

#include <cstdint>

#include "vmm/memory/guest_address.h"

namespace bh::vmm::boot {

/// A virtio-mmio register window and its interrupt, as the firmware tables describe them.
struct MmioDevice {
  GuestAddress address;    // The window must end below 4 GiB.
  std::uint64_t size = 0;  // Bytes, at least one page.
  unsigned gsi = 0;        // An IOAPIC pin; edge-triggered, active high.
};

}  // namespace bh::vmm::boot
