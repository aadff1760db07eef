#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bh::image::build {

/// The patterns of a .dockerignore: of Go's filepath.Match, with "**" for any folders and "!" for
/// exceptions; the last that matches decides.
class Ignore {
 public:
  static Ignore parse(std::string_view text);

  /// Whether a path of the context, without a slash in front, is left out. So is all in a folder
  /// that is, but for exceptions.
  bool leaves_out(std::string_view path) const;
  bool has_exceptions() const;

 private:
  struct Rule {
    std::string pattern;
    bool exception;
  };
  std::vector<Rule> rules_;
};

/// Whether a pattern of filepath.Match, with "**", is all of `path`.
bool matches(std::string_view pattern, std::string_view path);

}  // namespace bh::image::build
