#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vmm/api/decode.h"

namespace bh::vmm {

/// What the fields of our objects share, on top of decode.h.

std::unexpected<Error> not_supported(std::string_view name, TextPosition position);

/// A string without zero bytes: it would be cut short where the system or the guest reads it.
Result<> decode_text(JsonValue const& value, std::string& out);
Result<> decode_optional_text(JsonValue const& value, std::optional<std::string>& out);
/// For switches whose "on" we do not have.
Result<> decode_false(JsonValue const& value, std::string_view name);
Result<> decode_optional_bool(JsonValue const& value, std::optional<bool>& out);
/// null is the same as absent, which is false.
Result<> decode_flag(JsonValue const& value, bool& out);

inline bool is_null(JsonValue const& value) {
  return std::holds_alternative<JsonNull>(value.content);
}

}  // namespace bh::vmm
