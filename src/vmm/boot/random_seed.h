#pragma once

#include "base/error.h"
#include "vmm/memory/guest_memory.h"

namespace bh::vmm::boot {

/// Puts a SETUP_RNG_SEED record of host randomness at kSetupData, so that the guest's random
/// generator is ready at once (Linux 6.0 and newer; older ones skip it). Returns its address.
Result<GuestAddress> write_random_seed(GuestMemory& memory);

}  // namespace bh::vmm::boot
