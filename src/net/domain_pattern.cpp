#include "net/domain_pattern.h"

#include <fmt/format.h>

#include <algorithm>

namespace bh::net {

namespace {

// RFC 1035, section 2.3.4; a name's bytes on the wire are two more than its text's.
constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kLongestName = 253;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool may_be_in_label(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
}

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= kLongestLabel && text.front() != '-' &&
         text.back() != '-' && std::ranges::all_of(text, may_be_in_label);
}

Result<> check_labels(std::string_view name, std::size_t least) {
  std::size_t count = 1;
  while (true) {
    auto const dot = name.find('.');
    if (!is_label(name.substr(0, dot))) return fail(Errc::Invalid, "is no name of a domain");
    if (dot == name.npos) break;
    name.remove_prefix(dot + 1);
    ++count;
  }
  if (std::ranges::all_of(name, is_digit)) return fail(Errc::Invalid, "ends as no domain does");
  if (count < least) return fail(Errc::Invalid, "is a name without a dot");
  return {};
}

}  // namespace

Result<DomainPattern> DomainPattern::parse(std::string_view text) {
  DomainPattern pattern;
  auto rest = text;
  pattern.below = rest.starts_with("*.");
  if (pattern.below) rest.remove_prefix(2);
  if (rest.ends_with('.')) rest.remove_suffix(1);
  if (std::ranges::any_of(rest, [](char c) { return (c & 0x80) != 0; })) {
    return fail(Errc::Invalid,
                fmt::format("\"{}\": must be in ASCII, as in xn--bcher-kva.example", text));
  }
  if (rest.size() > kLongestName) {
    return fail(Errc::Invalid, fmt::format("\"{}...\": is longer than {} bytes",
                                           text.substr(0, kLongestLabel), kLongestName));
  }
  for (char const c : rest) {
    pattern.name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  auto const good = check_labels(pattern.name, pattern.below ? 1 : 2);
  if (good) return pattern;
  return fail(Errc::Invalid, fmt::format("\"{}\": {}", text, good.error().message));
}

bool DomainPattern::contains(std::string_view asked) const {
  return below ? asked != name && is_in_domain(asked, name) : asked == name;
}

bool is_in_domain(std::string_view asked, std::string_view name) {
  if (!asked.ends_with(name)) return false;
  asked.remove_suffix(name.size());
  return asked.empty() || asked.ends_with('.');
}

}  // namespace bh::net
