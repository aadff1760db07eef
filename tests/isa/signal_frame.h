#pragma once

#include <ucontext.h>

#include "tests/isa/case.h"

namespace bh::isa {

/// Puts the registers of a case into a signal frame, for sigreturn to load them. All but FS and GS
/// base, NT and ID, which the kernel does not restore. Async-signal-safe.
void put_registers(ucontext_t& context, CaseInput const& input);

/// Takes out of a signal frame what the kernel stored there: registers, vector, error code.
void take_registers(ucontext_t const& context, Outcome& outcome);

}  // namespace bh::isa
