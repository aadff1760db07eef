#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bh::container {

/// Writes JSON text, one value after the other: names and commas come by themselves.
///   JsonWriter json;
///   json.open('{').name("id").text("box").close('}');
class JsonWriter {
 public:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  JsonWriter& name(std::string_view name);
  JsonWriter& text(std::string_view value);
  JsonWriter& number(std::int64_t value);
  JsonWriter& natural(std::uint64_t value);
  JsonWriter& boolean(bool value);
  /// JSON that is already text.
  JsonWriter& raw(std::string_view json);

  /// A list of strings.
  template <typename Texts>
  JsonWriter& texts(Texts const& values) {
    open('[');
    for (auto const& value : values) text(value);
    return close(']');
  }

  std::string const& str() const { return out_; }

 private:
  void separate();

  std::string out_;
  bool first_ = true;  // Nothing was written yet inside the innermost bracket, or after a name.
};

/// JSON as JsonWriter makes it, with lines and two blanks a level, for people to read and edit.
std::string indented(std::string_view json);

/// `text` in quotes, with what JSON does not allow written as escapes.
std::string json_quoted(std::string_view text);

}  // namespace bh::container
