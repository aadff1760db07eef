#pragma once

#include "init/settings.h"

namespace bh::init {

/// Puts what the tar on standard input has at `path`, by the rules of machine/wire/copy_place.h.
/// False, having said why.
bool copy_in(char const* path, Settings const& settings);

}  // namespace bh::init
