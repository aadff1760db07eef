#pragma once

#include "base/error.h"
#include "machine/store/store.h"

namespace bh::machine {

/// Brings what is known of machines together with what runs: cleans up after supervisors that were
/// killed, and marks their machines as failed. What cannot be cleaned up now stays for the next
/// call. Every command starts with this.
Result<> reconcile(Store& store);

}  // namespace bh::machine
