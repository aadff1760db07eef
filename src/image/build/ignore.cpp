#include "image/build/ignore.h"

#include <algorithm>

namespace bh::image::build {

namespace {

// Patterns with many stars take time that grows with their number; nobody writes so many.
constexpr int kMostSteps = 100'000;

class Matcher {
 public:
  bool match(std::string_view pattern, std::string_view path) {
    while (!pattern.empty()) {
      if (++steps_ > kMostSteps) return false;
      if (pattern.starts_with("**")) return match_folders(pattern.substr(2), path);
      if (pattern.front() == '*') return match_star(pattern.substr(1), path);
      if (path.empty()) return false;
      if (!match_letter(pattern, path.front())) return false;
      path.remove_prefix(1);
    }
    return path.empty();
  }

 private:
  /// "**/" is any number of folders, none too; "**" alone anything.
  bool match_folders(std::string_view rest, std::string_view path) {
    if (rest.empty()) return true;
    if (rest.front() == '/') {
      rest.remove_prefix(1);
      if (match(rest, path)) return true;
      for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1)) {
        if (match(rest, path.substr(slash + 1))) return true;
      }
      return false;
    }
    for (std::size_t at = 0; at <= path.size(); ++at) {
      if (match(rest, path.substr(at))) return true;
    }
    return false;
  }

  bool match_star(std::string_view rest, std::string_view path) {
    for (std::size_t at = 0;; ++at) {
      if (match(rest, path.substr(at))) return true;
      if (at == path.size() || path[at] == '/') return false;
    }
  }

  /// Takes one letter's pattern off.
  static bool match_letter(std::string_view& pattern, char c) {
    char const p = pattern.front();
    pattern.remove_prefix(1);
    if (p == '?') return c != '/';
    if (p == '\\' && !pattern.empty()) {
      char const escaped = pattern.front();
      pattern.remove_prefix(1);
      return escaped == c;
    }
    if (p != '[') return p == c;
    bool const inverted = pattern.starts_with('^');
    if (inverted) pattern.remove_prefix(1);
    bool found = false;
    bool first = true;
    while (!pattern.empty() && (first || pattern.front() != ']')) {
      first = false;
      char const low = pattern.front();
      pattern.remove_prefix(1);
      char high = low;
      if (pattern.size() > 1 && pattern[0] == '-' && pattern[1] != ']') {
        high = pattern[1];
        pattern.remove_prefix(2);
      }
      found = found || (low <= c && c <= high);
    }
    if (!pattern.empty()) pattern.remove_prefix(1);
    return c != '/' && found != inverted;
  }

  int steps_ = 0;
};

}  // namespace

bool matches(std::string_view pattern, std::string_view path) {
  return Matcher().match(pattern, path);
}

Ignore Ignore::parse(std::string_view text) {
  Ignore ignore;
  while (!text.empty()) {
    auto const end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    auto const first = line.find_first_not_of(" \t\r");
    if (first == line.npos || line.starts_with('#')) continue;
    line = line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
    Rule rule{.pattern = {}, .exception = line.starts_with('!')};
    if (rule.exception) line.remove_prefix(1);
    while (line.starts_with("./") || line.starts_with('/')) {
      line.remove_prefix(line.starts_with('/') ? 1 : 2);
    }
    while (line.ends_with('/')) line.remove_suffix(1);
    if (line.empty()) continue;
    rule.pattern = line;
    ignore.rules_.push_back(std::move(rule));
  }
  return ignore;
}

bool Ignore::has_exceptions() const {
  return std::ranges::any_of(rules_, &Rule::exception);
}

bool Ignore::leaves_out(std::string_view path) const {
  bool out = false;
  for (auto const& rule : rules_) {
    if (rule.exception != out) continue;  // It would change nothing.
    bool hit = matches(rule.pattern, path);
    for (auto slash = path.find('/'); !hit && slash != path.npos;
         slash = path.find('/', slash + 1)) {
      hit = matches(rule.pattern, path.substr(0, slash));
    }
    if (hit) out = !rule.exception;
  }
  return out;
}

}  // namespace bh::image::build
