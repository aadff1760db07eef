#pragma once

#include "tests/isa/case.h"
#include "tests/isa/form.h"
#include "tests/isa/random.h"

namespace bh::isa {

/// Makes an instance of a form: registers, addressing form, displacement, immediate, harmless
/// prefixes and the place of the code. Over many draws every addressing form comes up.
Code generate_code(Form const& form, Random& random);

}  // namespace bh::isa
