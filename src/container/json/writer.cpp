#include "container/json/writer.h"

namespace bh::container {

std::string json_quoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (char const letter : text) {
    auto const code = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      out += '\\';
      out += letter;
    } else if (letter == '\n') {
      out += "\\n";
    } else if (code < ' ') {
      out += "\\u00";
      out += kHex[code >> 4U];
      out += kHex[code & 15U];
    } else {
      out += letter;
    }
  }
  return out += '"';
}

std::string indented(std::string_view json) {
  std::string out;
  std::size_t level = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    char const letter = json[i];
    char const next = i + 1 < json.size() ? json[i + 1] : '\0';
    if (quoted) {
      out += letter;
      if (letter == '\\') out += json[++i];
      quoted = letter != '"';
      continue;
    }
    quoted = letter == '"';
    bool const opens = letter == '{' || letter == '[';
    if (letter == '}' || letter == ']') {
      out += '\n' + std::string(2 * --level, ' ');
    }
    out += letter;
    if (letter == ':') out += ' ';
    if (opens && (next == '}' || next == ']')) {
      out += next;
      ++i;
    } else if (opens) {
      out += '\n' + std::string(2 * ++level, ' ');
    } else if (letter == ',') {
      out += '\n' + std::string(2 * level, ' ');
    }
  }
  return out;
}

void JsonWriter::separate() {
  if (!first_) out_ += ',';
  first_ = false;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::name(std::string_view name) {
  separate();
  out_ += json_quoted(name);
  out_ += ':';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) {
  return raw(json_quoted(value));
}
JsonWriter& JsonWriter::number(std::int64_t value) {
  return raw(std::to_string(value));
}
JsonWriter& JsonWriter::natural(std::uint64_t value) {
  return raw(std::to_string(value));
}
JsonWriter& JsonWriter::boolean(bool value) {
  return raw(value ? "true" : "false");
}

}  // namespace bh::container
