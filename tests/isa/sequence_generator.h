#pragma once

#include <span>

#include "tests/isa/case.h"
#include "tests/isa/form.h"
#include "tests/isa/random.h"

namespace bh::isa {

/// Whether instances of a form may stand in a sequence: it agrees with the host without any
/// freedom.
bool fits_sequence(Form const& form);

/// Some instructions in a row, `first` being the form of the first. A branch stands at the end, if
/// anywhere, and does not lead back into the sequence.
Code generate_sequence(std::span<Form const> forms, Form const& first, Random& random);

}  // namespace bh::isa
