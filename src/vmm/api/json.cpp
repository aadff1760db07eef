#include "vmm/api/json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <limits>
#include <utility>

namespace bh::vmm {

std::string TextPosition::suffix() const {
  return " at line " + std::to_string(line) + " column " + std::to_string(column);
}

namespace {

/// Builds the tree from the parser's events. The parser is fed one byte at a time, so that
/// `position` is exact when an event arrives.
class TreeBuilder {
 public:
  using Error = boost::json::error_code;
  using View = boost::json::string_view;

  // NOLINTBEGIN(readability-identifier-naming): the parser looks for these names.
  static constexpr std::size_t max_object_size = kJsonLimit;
  static constexpr std::size_t max_array_size = kJsonLimit;
  static constexpr std::size_t max_key_size = kJsonLimit;
  static constexpr std::size_t max_string_size = kJsonLimit;
  // NOLINTEND(readability-identifier-naming)

  TextPosition position;         // After the byte that is being parsed.
  TextPosition before_position;  // Before it: where a number ended.

  JsonValue take() { return std::move(root_); }
  bool inside_object() const {
    return !open_.empty() && std::holds_alternative<JsonObject>(open_.back().content);
  }
  bool inside_array() const { return !open_.empty() && !inside_object(); }

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error&) { return open(JsonObject()); }
  bool on_object_end(std::size_t, Error&) { return close(); }
  bool on_array_begin(Error&) { return open(JsonArray()); }
  bool on_array_end(std::size_t, Error&) { return close(); }
  bool on_key_part(View part, std::size_t, Error&) { return append(part); }
  bool on_key(View part, std::size_t, Error&) {
    append(part);
    std::get<JsonObject>(open_.back().content)
        .push_back({.name = std::exchange(text_, {}), .name_end = position, .value = {}});
    return true;
  }
  bool on_string_part(View part, std::size_t, Error&) { return append(part); }
  bool on_string(View part, std::size_t, Error&) {
    append(part);
    return add(std::exchange(text_, {}), position);
  }
  bool on_number_part(View, Error&) { return true; }
  bool on_int64(std::int64_t value, View, Error&) { return add(value, before_position); }
  bool on_uint64(std::uint64_t value, View, Error&) { return add(value, before_position); }
  bool on_double(double value, View, Error&) { return add(value, before_position); }
  bool on_bool(bool value, Error&) { return add(value, position); }
  bool on_null(Error&) { return add(JsonNull(), position); }
  bool on_comment_part(View, Error&) { return true; }
  bool on_comment(View, Error&) { return true; }

 private:
  bool append(View part) {
    text_.append(part.data(), part.size());
    return true;
  }
  template <typename Content>
  bool open(Content content) {
    open_.push_back({.content = std::move(content), .start = before_position, .end = position});
    return true;
  }
  bool close() {
    JsonValue value = std::move(open_.back());
    open_.pop_back();
    value.end = position;
    return place(std::move(value));
  }
  template <typename Content>
  bool add(Content content, TextPosition end) {
    return place({.content = std::move(content), .start = end, .end = end});
  }
  bool place(JsonValue value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (inside_object()) {
      std::get<JsonObject>(open_.back().content).back().value = std::move(value);
    } else {
      std::get<JsonArray>(open_.back().content).push_back(std::move(value));
    }
    return true;
  }

  JsonValue root_;
  std::vector<JsonValue> open_;  // Arrays and objects not closed yet, outermost first.
  std::string text_;             // The pieces so far of a key or string.
};

std::unexpected<bh::Error> refuse(std::string const& words, TextPosition position) {
  return fail(Errc::Invalid, words + position.suffix());
}

std::string end_of_text_words(TreeBuilder const& builder) {
  if (builder.inside_object()) return "EOF while parsing an object";
  if (builder.inside_array()) return "EOF while parsing a list";
  return "EOF while parsing a value";
}

}  // namespace

Result<JsonValue> parse_json(std::string_view text) {
  if (text.size() > kJsonLimit) {
    return fail(Errc::Invalid, "JSON of " + std::to_string(text.size()) + " bytes: more than " +
                                   std::to_string(kJsonLimit));
  }
  boost::json::basic_parser<TreeBuilder> parser{boost::json::parse_options()};
  auto& builder = parser.handler();
  boost::json::error_code error;
  for (char const& letter : text) {
    builder.before_position = builder.position;
    if (letter == '\n') {
      builder.position = {.line = builder.position.line + 1, .column = 0};
    } else {
      ++builder.position.column;
    }
    bool const blank = letter == ' ' || letter == '\t' || letter == '\n' || letter == '\r';
    if (parser.done()) {
      if (!blank) return refuse("trailing characters", builder.position);
      continue;
    }
    std::size_t const used = parser.write_some(true, &letter, 1, error);
    if (error) return refuse(error.message(), builder.position);
    // A number is over when something else comes, which the parser then leaves alone.
    if (used == 0 && !blank) return refuse("trailing characters", builder.position);
  }
  builder.before_position = builder.position;
  if (!parser.done()) parser.write_some(false, text.data() + text.size(), 0, error);
  if (error == boost::json::error::incomplete) {
    return refuse(end_of_text_words(builder), builder.position);
  }
  if (error) return refuse(error.message(), builder.position);
  return builder.take();
}

}  // namespace bh::vmm
