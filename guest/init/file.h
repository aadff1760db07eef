#pragma once

#include <optional>
#include <string_view>

namespace bh::init {

/// The file's bytes, at most 128 KiB and one, which the next call overwrites; nothing, with errno
/// set, if it cannot be read.
std::optional<std::string_view> read_file(char const* path);

}  // namespace bh::init
