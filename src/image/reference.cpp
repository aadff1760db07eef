#include "image/reference.h"

#include <algorithm>

namespace bh::image {

namespace {

// distribution/reference: a repository is at most this long, its registry included; so is a tag.
constexpr std::size_t kLongestName = 255;
constexpr std::size_t kLongestTag = 128;

constexpr char kDockerHub[] = "docker.io";
constexpr char kLibrary[] = "library/";

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_letter_or_digit(char c) {
  return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

/// Letters and digits, with one of ". _ __" or any number of dashes between them.
bool is_path_part(std::string_view part) {
  if (part.empty() || !is_lower_or_digit(part.front()) || !is_lower_or_digit(part.back())) {
    return false;
  }
  for (std::size_t at = 0; at < part.size();) {
    auto const end = part.find_first_not_of("._-", at);
    auto const separator = part.substr(at, end - at);
    if (separator.empty()) {
      if (!is_lower_or_digit(part[at++])) return false;
      continue;
    }
    bool const dashes = separator.find_first_not_of('-') == separator.npos;
    if (!dashes && separator != "." && separator != "_" && separator != "__") return false;
    at = end;
  }
  return true;
}

bool is_path(std::string_view path) {
  while (true) {
    auto const slash = path.find('/');
    if (!is_path_part(path.substr(0, slash))) return false;
    if (slash == path.npos) return true;
    path.remove_prefix(slash + 1);
  }
}

bool is_tag(std::string_view tag) {
  return !tag.empty() && tag.size() <= kLongestTag && tag.front() != '.' && tag.front() != '-' &&
         std::ranges::all_of(
             tag, [](char c) { return is_letter_or_digit(c) || c == '_' || c == '.' || c == '-'; });
}

/// A host name or address, and maybe a port.
bool is_registry(std::string_view host) {
  auto const bracket = host.rfind(']');
  auto const colon = host.find(':', bracket == host.npos ? 0 : bracket);
  if (colon != host.npos) {
    auto const port = host.substr(colon + 1);
    if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != port.npos) {
      return false;
    }
    host = host.substr(0, colon);
  }
  if (host.starts_with('[')) {
    return host.size() > 2 && host.ends_with(']') &&
           host.substr(1, host.size() - 2).find_first_not_of("0123456789abcdefABCDEF:") ==
               host.npos;
  }
  return !host.empty() && is_letter_or_digit(host.front()) && is_letter_or_digit(host.back()) &&
         std::ranges::all_of(host,
                             [](char c) { return is_letter_or_digit(c) || c == '.' || c == '-'; });
}

bool looks_like_registry(std::string_view part) {
  return part == "localhost" || part.find_first_of(".:[") != part.npos ||
         std::ranges::any_of(part, [](char c) { return c >= 'A' && c <= 'Z'; });
}

std::unexpected<Error> refuse(std::string_view text, std::string const& why) {
  return fail(Errc::Invalid, "\"" + std::string(text.substr(0, kLongestName)) +
                                 "\" is no image name: " + why +
                                 "; write for example debian:12 or registry.example:5000/a/b:tag");
}

}  // namespace

Result<Reference> Reference::parse(std::string_view text) {
  Reference reference;
  auto rest = text;
  if (auto const at = rest.find('@'); at != rest.npos) {
    auto digest = BH_TRY(Digest::parse(rest.substr(at + 1)));
    reference.digest = std::move(digest);
    rest = rest.substr(0, at);
  }
  auto const slash = rest.rfind('/');
  auto const colon = rest.find(':', slash == rest.npos ? 0 : slash);
  if (colon != rest.npos) {
    reference.tag = rest.substr(colon + 1);
    if (!is_tag(reference.tag)) return refuse(text, "its tag has other than letters, digits, _.-");
    rest = rest.substr(0, colon);
  } else if (!reference.digest) {
    reference.tag = "latest";
  }

  auto const first = rest.substr(0, rest.find('/'));
  if (first.size() < rest.size() && looks_like_registry(first)) {
    reference.registry = first;
    reference.repository = rest.substr(first.size() + 1);
  } else {
    reference.registry = kDockerHub;
    reference.repository = rest;
  }
  if (reference.registry == "index.docker.io") reference.registry = kDockerHub;
  if (!is_registry(reference.registry)) return refuse(text, "its registry is no host");
  if (!is_path(reference.repository)) {
    return refuse(text, "its parts are lower-case letters and digits with .-_ between them");
  }
  if (reference.registry == kDockerHub && reference.repository.find('/') == std::string::npos) {
    reference.repository.insert(0, kLibrary);
  }
  if (reference.registry.size() + 1 + reference.repository.size() > kLongestName) {
    return refuse(text, "it is longer than 255 letters");
  }
  return reference;
}

std::string Reference::suffix() const {
  return (tag.empty() ? "" : ":" + tag) + (digest ? "@" + digest->text() : "");
}

std::string Reference::text() const {
  return registry + "/" + repository + suffix();
}

std::string Reference::familiar_repository() const {
  if (registry != kDockerHub) return registry + "/" + repository;
  if (!repository.starts_with(kLibrary)) {
    bool const ambiguous = looks_like_registry(repository.substr(0, repository.find('/')));
    return (ambiguous ? registry + "/" : "") + repository;
  }
  auto short_name = repository.substr(sizeof kLibrary - 1);
  // docker.io/library/a/b may not become docker.io/a/b.
  return short_name.find('/') == std::string::npos ? short_name : repository;
}

}  // namespace bh::image
