#pragma once

#include <string_view>

namespace bh::init {

/// Makes the folder and all above it. What cannot be made who uses it will tell.
void make_folders(std::string_view path);

}  // namespace bh::init
