#pragma once

#include <memory>

#include "base/error.h"
#include "vmm/engine/engine.h"

namespace bh::vmm::kvm {

/// Opens /dev/kvm and makes a VM over all of `memory`.
Result<std::unique_ptr<Engine>> create_kvm_engine(GuestMemory& memory, EngineOptions options);

}  // namespace bh::vmm::kvm
