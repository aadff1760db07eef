#pragma once

#include <string_view>

namespace bh::init {

/// A line of the setting `mount`: TYPE:SOURCE:ro|rw:OPTIONS:PATH.
struct MountLine {
  std::string_view type;
  std::string_view source;
  bool read_only = false;
  std::string_view options;
  std::string_view path;
};

/// False if it is none.
bool parse_mount_line(std::string_view text, MountLine& out);

}  // namespace bh::init
