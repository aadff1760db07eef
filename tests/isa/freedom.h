#pragma once

#include <Zydis/Zydis.h>

#include "tests/isa/case.h"

namespace bh::isa {

/// What the architecture or the vendor leaves open for an instruction: makes `other` equal to
/// `host` in those respects. The table in freedom.cpp explains them.
void equalize_freedoms(CaseInput const& input, Outcome const& host, Outcome& other);

/// Whether there is any for this instruction.
bool has_freedoms(ZydisMnemonic mnemonic);

/// Whether a freedom of this instruction reaches beyond a fault at it, to what follows.
bool changes_freely(ZydisMnemonic mnemonic);

}  // namespace bh::isa
