#pragma once

#include <cstdint>

#include "tests/isa/case.h"

namespace bh::isa {

/// The state a given piece of code starts from. The same code and seed give the same state; where
/// the code names memory, registers are chosen so that it meets data pages, page borders, guard
/// pages, read-only pages and addresses that cannot be.
CaseInput generate_state(Code const& code, std::uint64_t seed);

}  // namespace bh::isa
