#include "init/arguments.h"

namespace bh::init {

namespace {

constexpr int kNoDigit = -1;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return kNoDigit;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n';
}

/// Takes the next word off the front of `rest`; empty when none is left.
std::string_view take_word(std::string_view& rest) {
  while (!rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
  std::size_t length = 0;
  bool quoted = false;
  for (; length < rest.size() && (quoted || !is_blank(rest[length])); ++length) {
    if (rest[length] == '"') quoted = !quoted;
  }
  auto const word = rest.substr(0, length);
  rest.remove_prefix(length);
  return word;
}

}  // namespace

bool Arguments::append(char byte) {
  // The last byte is kept for the NUL of the word.
  if (used_ + 1 >= kMaxBytes) return false;
  bytes_[used_++] = byte;
  return true;
}

void Arguments::clear() {
  used_ = 0;
  word_start_ = 0;
  count_ = 0;
}

bool Arguments::end_word() {
  if (count_ == kMaxWords || used_ == kMaxBytes) return false;
  bytes_[used_++] = '\0';
  words_[count_++] = &bytes_[word_start_];
  word_start_ = used_;
  return true;
}

std::string_view to_string(ParseError error) {
  switch (error) {
    case ParseError::None: return "no error";
    case ParseError::Empty: return "names no program";
    case ParseError::TooLong: return "has more than 1024 words or 128 KiB";
    case ParseError::BadEscape: return "has a % without two hexadecimal digits, or a NUL";
  }
  return "unknown error";
}

ParseError parse_nul_separated(std::string_view bytes, Arguments& out) {
  if (bytes.ends_with('\0')) bytes.remove_suffix(1);
  if (bytes.empty() || bytes.front() == '\0') return ParseError::Empty;
  for (char const c : bytes) {
    if (!(c == '\0' ? out.end_word() : out.append(c))) return ParseError::TooLong;
  }
  return out.end_word() ? ParseError::None : ParseError::TooLong;
}

ParseError parse_percent_encoded(std::string_view text, Arguments& out) {
  if (text.empty() || text.front() == ',') return ParseError::Empty;
  for (; !text.empty(); text.remove_prefix(1)) {
    if (text.front() == ',') {
      if (!out.end_word()) return ParseError::TooLong;
      continue;
    }
    char byte = text.front();
    if (byte == '%') {
      if (text.size() < 3) return ParseError::BadEscape;
      int const high = hex_digit(text[1]);
      int const low = hex_digit(text[2]);
      if (high == kNoDigit || low == kNoDigit) return ParseError::BadEscape;
      byte = static_cast<char>(high * 16 + low);
      text.remove_prefix(2);
    }
    if (byte == '\0') return ParseError::BadEscape;
    if (!out.append(byte)) return ParseError::TooLong;
  }
  return out.end_word() ? ParseError::None : ParseError::TooLong;
}

std::optional<std::string_view> find_parameter(std::string_view command_line,
                                               std::string_view name) {
  std::optional<std::string_view> found;
  for (auto word = take_word(command_line); !word.empty(); word = take_word(command_line)) {
    if (word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=') {
      found = word.substr(name.size() + 1);
    }
  }
  return found;
}

}  // namespace bh::init
