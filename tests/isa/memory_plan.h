#pragma once

#include <cstdint>

#include "tests/isa/case.h"
#include "tests/isa/decode.h"
#include "tests/isa/random.h"

namespace bh::isa {

/// An address in or near the data pages of either view.
std::uint64_t any_data_address(Random& random);

/// Chooses for every memory operand where it shall lie and sets base, index or segment base so that
/// it does.
void plan_memory(Decoded const& decoded, Random& random, CaseInput& input);

/// Linear address of a memory operand from the registers of `input`.
std::uint64_t linear_address(Decoded const& decoded, ZydisDecodedOperand const& operand,
                             CaseInput const& input);

/// Number of a general register of any width (high-byte ones: of the whole), or -1.
int gpr_number(ZydisRegister reg);

}  // namespace bh::isa
