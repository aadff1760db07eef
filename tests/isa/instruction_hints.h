#pragma once

#include "tests/isa/case.h"
#include "tests/isa/decode.h"
#include "tests/isa/random.h"

namespace bh::isa {

/// Before addresses are chosen: registers for which random values would show the same thing every
/// time (a division that always overflows, a branch that always leaves, a comparison never equal).
void prepare_operands(Decoded const& decoded, Random& random, CaseInput& input);

/// After addresses are chosen: memory for the same reason (return addresses, FP environments).
void prepare_memory(Decoded const& decoded, Random& random, CaseInput& input);

}  // namespace bh::isa
