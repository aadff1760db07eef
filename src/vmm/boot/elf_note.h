#pragma once

#include <elf.h>

#include <optional>

#include "base/error.h"
#include "vmm/boot/byte_source.h"
#include "vmm/memory/guest_address.h"

namespace bh::vmm::boot {

/// The physical address in the note XEN_ELFNOTE_PHYS32_ENTRY of a PT_NOTE segment, if it has one.
Result<std::optional<GuestAddress>> read_pvh_entry(ByteSource const& source,
                                                   Elf64_Phdr const& segment);

}  // namespace bh::vmm::boot
