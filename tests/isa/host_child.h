#pragma once

#include <atomic>
#include <cstdint>

#include "tests/isa/case.h"
#include "tests/isa/executor.h"

namespace bh::isa {

/// Shared between the test program and the child that executes cases natively.
struct Mailbox {
  std::atomic<std::uint32_t> requested{0};  // Parent: a batch is ready. Futex.
  std::atomic<std::uint32_t> finished{0};   // Child: equals `requested` when done. Futex.
  std::atomic<std::uint32_t> progress{0};   // Cases of this batch done; the parent sets the start.
  std::uint32_t count = 0;
  CaseInput cases[kMaxBatch];
  Outcome outcomes[kMaxBatch];
};

/// Never returns. Call in a process of its own, straight after fork(), with the memory images
/// built. From its first signal on it lives in the signal handler: the handler stores how a case
/// ended, puts the next case into the signal frame and returns into it.
[[noreturn]] void serve_cases(Mailbox& mailbox);

}  // namespace bh::isa
