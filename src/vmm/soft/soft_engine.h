#pragma once

#include <memory>

#include "base/error.h"
#include "vmm/engine/engine.h"

namespace bh::vmm::soft {

/// A CPU in software over all of `memory`; needs nothing of the host but an x86-64-v2 CPU.
Result<std::unique_ptr<Engine>> create_soft_engine(GuestMemory& memory, EngineOptions options);

}  // namespace bh::vmm::soft
