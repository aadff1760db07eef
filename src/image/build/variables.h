#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bh::image::build {

using Variables = std::map<std::string, std::string>;

/// Replaces $NAME, ${NAME}, ${NAME:-otherwise}, ${NAME:+instead} as Dockerfiles know them; "\$" is
/// a dollar. Nothing is known of what is not in `variables`: it is empty.
Result<std::string> expanded(std::string_view text, Variables const& variables);

/// Words between blanks, with the quotes and backslashes of a shell taken away.
Result<std::vector<std::string>> shell_words(std::string_view text);

}  // namespace bh::image::build
