#pragma once

#include <Zydis/Zydis.h>

#include "tests/isa/case.h"

namespace bh::isa {

/// What the architecture leaves open for an instruction, beyond what Tolerance says of all: makes
/// `other` equal to `host` in those respects. Each is a row of a table in freedom.cpp and explained
/// there.
void equalize_freedoms(CaseInput const& input, Outcome const& host, Outcome& other);

/// Whether equalize_freedoms() does anything for it.
bool has_freedoms(ZydisMnemonic mnemonic);

}  // namespace bh::isa
