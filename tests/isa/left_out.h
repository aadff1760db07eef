#pragma once

#include <optional>
#include <string_view>

#include "tests/isa/form.h"

namespace bh::isa {

/// Why a form is not run at all, or nothing if it is.
std::optional<std::string_view> reason_left_out(Form const& form);

/// AVX-512, AMX and the like: state the guest's XCR0 never enables, so that #UD is the only right
/// answer although the host may execute them.
bool must_be_invalid(Form const& form);

}  // namespace bh::isa
