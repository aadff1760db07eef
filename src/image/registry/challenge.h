#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bh::image::registry {

/// What a registry wants to see before it answers (RFC 9110, section 11.6.1).
struct Challenge {
  std::string scheme;                             // In lower case: "bearer", "basic".
  std::map<std::string, std::string> parameters;  // Names in lower case.

  std::string parameter(std::string const& name) const;
};

/// The challenges of one WWW-Authenticate header. What cannot be read ends the list.
std::vector<Challenge> parse_challenges(std::string_view header);

}  // namespace bh::image::registry
