#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace bh::image {

/// What an image runs on, in Go's words: "linux/amd64", "linux/arm64/v8".
struct Platform {
  std::string os = "linux";
  std::string architecture;
  std::string variant;

  /// "OS/ARCHITECTURE[/VARIANT]" or an architecture alone; uname's names are understood too.
  static Result<Platform> parse(std::string_view text);
  /// Of the machine we run on.
  static Platform host();

  std::string text() const;
  /// Whether an image for this runs where `wanted` is wanted. What names no variant fits any.
  bool fits(Platform const& wanted) const;

  friend bool operator==(Platform const&, Platform const&) = default;
};

}  // namespace bh::image
