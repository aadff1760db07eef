#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/error.h"

namespace bh::net {

/// Names of the DNS that a rule means: one, or all below one.
struct DomainPattern {
  std::string name;    // In lower case, without the dot at its end.
  bool below = false;  // "*.NAME": names below it at any depth, but not NAME.

  /// "example.com" or "*.debian.org": labels of letters, digits, '-' and '_', two of them if it is
  /// one name. Errc::Invalid for others, with words that say why.
  static Result<DomainPattern> parse(std::string_view text);
  std::string text() const { return (below ? "*." : "") + name; }

  /// `asked` is written as `name` is.
  bool contains(std::string_view asked) const;

  friend auto operator<=>(DomainPattern const&, DomainPattern const&) = default;
};

/// Whether `asked` is `name` or below it.
bool is_in_domain(std::string_view asked, std::string_view name);

}  // namespace bh::net
