#pragma once

#include <asm/bootparam.h>

#include <cstddef>
#include <span>
#include <vector>

#include "base/error.h"
#include "os/mapped_region.h"
#include "vmm/boot/byte_source.h"

namespace bh::vmm::boot {

/// What is taken out of a bzImage.
struct BzImage {
  setup_header header;      // As in the file; fields the file's version lacks are zero.
  os::MappedRegion kernel;  // The unpacked payload: an ELF file, if the image is sound.

  std::span<std::byte const> kernel_bytes() const { return {kernel.data(), kernel.size()}; }
};

/// Whether the source has the magic numbers of a bzImage's setup header.
bool is_bzimage(ByteSource const& source);

/// Reads the setup header and unpacks the kernel in the payload on the host (Linux
/// Documentation/arch/x86/boot.rst). Needs boot protocol 2.08 (Linux 2.6.26) or newer.
Result<BzImage> open_bzimage(ByteSource const& source);

}  // namespace bh::vmm::boot
