#include "image/build/here_document.h"

#include <algorithm>
#include <optional>

namespace bh::image::build {

namespace {

bool is_blank(char letter) {
  return letter == ' ' || letter == '\t';
}

bool is_name(std::string_view text) {
  auto const fits = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '_' || letter == '.' || letter == '-';
  };
  bool const begins = !text.empty() && (text[0] > '9' || text[0] == '_');
  return begins && std::ranges::all_of(text, fits);
}

/// Of a word: [DIGIT...]<<[-]NAME, the name perhaps in quotes.
std::optional<HereDocument> parse_word(std::string_view word) {
  word.remove_prefix(std::min(word.find_first_not_of("0123456789"), word.size()));
  if (!word.starts_with("<<")) return std::nullopt;
  word.remove_prefix(2);
  HereDocument document;
  document.strips = word.starts_with('-');
  if (document.strips) word.remove_prefix(1);
  for (char const quote : {'"', '\''}) {
    if (word.size() < 2 || word.front() != quote || word.back() != quote) continue;
    word = word.substr(1, word.size() - 2);
    document.expands = false;
    break;
  }
  if (!is_name(word)) return std::nullopt;
  document.name = word;
  return document;
}

/// Where the word that starts at `at` ends: at a blank outside of quotes.
std::size_t end_of_word(std::string_view text, std::size_t at) {
  char quote = 0;
  for (; at < text.size(); ++at) {
    char const letter = text[at];
    if (quote == 0 && is_blank(letter)) break;
    if (letter == '\\' && quote != '\'') {
      ++at;
    } else if (letter == quote) {
      quote = 0;
    } else if (quote == 0 && (letter == '"' || letter == '\'')) {
      quote = letter;
    }
  }
  return std::min(at, text.size());
}

}  // namespace

std::vector<HereDocument> announced_documents(std::string_view text) {
  std::vector<HereDocument> documents;
  for (std::size_t at = 0; at < text.size();) {
    if (is_blank(text[at])) {
      ++at;
      continue;
    }
    auto const end = end_of_word(text, at);
    if (auto document = parse_word(text.substr(at, end - at))) {
      documents.push_back(std::move(*document));
    }
    at = end;
  }
  return documents;
}

bool is_only_a_document(std::string_view text) {
  return text.starts_with("<<") && parse_word(text).has_value();
}

}  // namespace bh::image::build
