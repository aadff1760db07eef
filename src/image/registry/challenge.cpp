#include "image/registry/challenge.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace bh::image::registry {

namespace {

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

/// Reads the header from left to right.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  void skip(std::string_view letters) {
    auto const end = rest_.find_first_not_of(letters);
    rest_.remove_prefix(end == rest_.npos ? rest_.size() : end);
  }

  /// RFC 9110's token, of the letters that occur; empty if there is none here.
  std::string_view token() {
    std::size_t size = 0;
    while (size < rest_.size() && is_token_letter(rest_[size])) ++size;
    auto const token = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return token;
  }

  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  /// A quoted string or a token; nothing if the quotes do not end.
  std::optional<std::string> value() {
    if (!take('"')) return std::string(token());
    std::string text;
    while (!rest_.empty()) {
      char const c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return text;
      if (c == '\\' && !rest_.empty()) {
        text += rest_.front();
        rest_.remove_prefix(1);
      } else {
        text += c;
      }
    }
    return std::nullopt;
  }

  bool at_end() const { return rest_.empty(); }

 private:
  static bool is_token_letter(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~/").find(c) != std::string_view::npos;
  }

  std::string_view rest_;
};

}  // namespace

std::string Challenge::parameter(std::string const& name) const {
  auto const found = parameters.find(name);
  return found == parameters.end() ? std::string() : found->second;
}

std::vector<Challenge> parse_challenges(std::string_view header) {
  std::vector<Challenge> challenges;
  Reader reader(header);
  while (true) {
    reader.skip(" \t,");
    auto const word = reader.token();
    if (word.empty()) return challenges;
    reader.skip(" \t");
    if (!reader.take('=')) {
      challenges.push_back({.scheme = lower_case(word), .parameters = {}});
      continue;
    }
    reader.skip(" \t");
    auto value = reader.value();
    if (!value || challenges.empty()) return challenges;
    challenges.back().parameters[lower_case(word)] = std::move(*value);
  }
}

}  // namespace bh::image::registry
