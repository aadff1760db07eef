#pragma once

#include "base/error.h"
#include "os/unique_fd.h"
#include "vmm/engine/engine.h"

namespace bh::vmm::kvm {

/// Makes PIC, IOAPIC, LAPICs and PIT in the kernel. Before the first vCPU.
Result<> create_interrupt_chips(os::UniqueFd const& vm);

/// Any thread. The VM has its chips.
Result<> set_line(os::UniqueFd const& vm, unsigned gsi, LineLevel level);

}  // namespace bh::vmm::kvm
