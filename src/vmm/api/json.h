#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"

namespace bh::vmm {

/// Where an error is in a text: `line` from 1, `column` = bytes read of that line so far.
struct TextPosition {
  std::size_t line = 1;
  std::size_t column = 0;

  /// " at line 1 column 7", the end of a serde_json message.
  std::string suffix() const;
};

struct JsonValue;
struct JsonMember;

struct JsonNull {};
using JsonArray = std::vector<JsonValue>;
/// In the order of the text; a name may occur twice.
using JsonObject = std::vector<JsonMember>;

/// A JSON value that remembers where it stood, so that whoever finds it wrong can say so.
struct JsonValue {
  std::variant<JsonNull, bool, std::int64_t, std::uint64_t, double, std::string, JsonArray,
               JsonObject>
      content;
  TextPosition start;  // Before the first byte of an array or object; elsewhere the same as `end`.
  TextPosition end;
};

struct JsonMember {
  std::string name;
  TextPosition name_end;
  JsonValue value;
};

/// Longer texts are refused: no configuration of ours comes near, and the tree is held in memory.
inline constexpr std::size_t kJsonLimit = std::size_t{1024} * 1024;

/// Parses RFC 8259 text, at most 32 levels deep. Errc::Invalid with words and position.
Result<JsonValue> parse_json(std::string_view text);

}  // namespace bh::vmm
