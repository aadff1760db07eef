#include "image/build/variables.h"

#include <cctype>

namespace bh::image::build {

namespace {

// "${A:-${B:-...}}": nobody goes deeper.
constexpr int kDeepest = 16;
// What texts full of variables may grow to.
constexpr std::size_t kLongest = std::size_t{1} << 20;

bool is_name_letter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

class Expander {
 public:
  explicit Expander(Variables const& variables) : variables_(variables) {}

  Result<std::string> expand(std::string_view text, int depth) {
    if (depth > kDeepest) return fail(Errc::Invalid, "variables within variables too deep");
    std::string out;
    bool quoted = false;  // By single quotes, in which nothing is replaced.
    while (!text.empty()) {
      if (out.size() > kLongest) return fail(Errc::Invalid, "too long with its variables");
      char const c = text.front();
      if (c == '\'') quoted = !quoted;
      if (c == '\\' && text.size() > 1 && !quoted) {
        if (text[1] != '$') out += c;
        out += text[1];
        text.remove_prefix(2);
      } else if (c == '$' && !quoted) {
        auto const value = BH_TRY(take_variable(text, depth));
        out += value;
      } else {
        out += c;
        text.remove_prefix(1);
      }
    }
    return out;
  }

 private:
  std::string value_of(std::string_view name) const {
    auto const found = variables_.find(std::string(name));
    return found == variables_.end() ? std::string() : found->second;
  }

  /// `text` starts with a dollar; what was used of it is taken off.
  Result<std::string> take_variable(std::string_view& text, int depth) {
    text.remove_prefix(1);
    bool const braced = text.starts_with('{');
    if (braced) text.remove_prefix(1);
    std::size_t size = 0;
    while (size < text.size() && is_name_letter(text[size])) ++size;
    auto const name = text.substr(0, size);
    text.remove_prefix(size);
    if (!braced) return name.empty() ? "$" : value_of(name);
    if (name.empty()) return fail(Errc::Invalid, "\"${\" without a name");
    if (text.starts_with('}')) {
      text.remove_prefix(1);
      return value_of(name);
    }
    if (!text.starts_with(":-") && !text.starts_with(":+")) {
      return fail(Errc::Unsupported, "\"${" + std::string(name) +
                                         "\" goes on with neither } nor "
                                         ":- nor :+");
    }
    bool const otherwise = text[1] == '-';
    text.remove_prefix(2);
    auto const end = closing_brace(text);
    if (end == text.npos) return fail(Errc::Invalid, "\"${\" without its }");
    auto const word = text.substr(0, end);
    text.remove_prefix(end + 1);
    auto value = value_of(name);
    if (otherwise) return value.empty() ? expand(word, depth + 1) : value;
    return value.empty() ? value : expand(word, depth + 1);
  }

  static std::size_t closing_brace(std::string_view text) {
    int open = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (text[at] == '{') ++open;
      if (text[at] == '}' && open-- == 0) return at;
    }
    return text.npos;
  }

  Variables const& variables_;
};

}  // namespace

Result<std::string> expanded(std::string_view text, Variables const& variables) {
  return Expander(variables).expand(text, 0);
}

Result<std::vector<std::string>> shell_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    char const c = text[at];
    if (quote == 0 && (c == ' ' || c == '\t')) {
      if (in_word) words.push_back(std::move(word));
      word.clear();
      in_word = false;
      continue;
    }
    in_word = true;
    if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == '\\' && quote != '\'' && at + 1 < text.size()) {
      word += text[++at];
    } else {
      word += c;
    }
  }
  if (quote != 0) return fail(Errc::Invalid, "a quote does not end");
  if (in_word) words.push_back(std::move(word));
  return words;
}

}  // namespace bh::image::build
