#pragma once

#include <optional>

#include "tests/isa/case.h"
#include "tests/isa/form.h"
#include "tests/isa/random.h"

namespace bh::isa {

/// Makes an instance of a form: registers, addressing form, displacement, immediate, harmless
/// prefixes and, unless given, the place of the code. Over many draws every addressing form comes
/// up.
Code generate_code(Form const& form, Random& random, std::optional<std::uint64_t> rip = {});

}  // namespace bh::isa
