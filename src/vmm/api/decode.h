#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "vmm/api/json.h"

namespace bh::vmm {

/// Turns JSON values into ours, with the error messages of serde_json, which clients of
/// Firecracker match on: "unknown field `x`, expected `a` or `b` at line 1 column 4".

enum class Need : std::uint8_t { Optional, Required };

/// One member that an object may have. `decode` stores it in `out`.
template <typename Object>
struct Field {
  std::string_view name;
  Need need;
  Result<> (*decode)(JsonValue const& value, Object& out);
};

Result<> decode_string(JsonValue const& value, std::string& out);
/// null is the same as absent.
Result<> decode_optional_string(JsonValue const& value, std::optional<std::string>& out);
Result<> decode_bool(JsonValue const& value, bool& out);
/// `type` names the range in messages: "u8".
Result<> decode_unsigned(JsonValue const& value, std::uint64_t limit, std::string_view type,
                         std::uint64_t& out);

enum class LetterCase : std::uint8_t { Exact, Ignored };
/// Index of the string in `variants`.
Result<std::size_t> decode_variant(JsonValue const& value,
                                   std::span<std::string_view const> variants,
                                   LetterCase letter_case);

std::unexpected<Error> invalid_type(JsonValue const& value, std::string_view expected);
std::unexpected<Error> unknown_field(JsonMember const& member,
                                     std::span<std::string_view const> known);
std::unexpected<Error> duplicate_field(JsonMember const& member);
std::unexpected<Error> missing_field(std::string_view name, TextPosition position);

/// Decodes an object whose members are all in `fields`. `type` names it: "struct MachineConfig".
template <typename Object, std::size_t kCount>
Result<> decode_object(JsonValue const& value, std::string_view type,
                       Field<Object> const (&fields)[kCount], Object& out) {
  auto const* const members = std::get_if<JsonObject>(&value.content);
  if (members == nullptr) return invalid_type(value, type);
  bool seen[kCount] = {};
  for (auto const& member : *members) {
    std::size_t index = 0;
    while (index < kCount && fields[index].name != member.name) ++index;
    if (index == kCount) {
      std::string_view names[kCount];
      for (std::size_t i = 0; i < kCount; ++i) names[i] = fields[i].name;
      return unknown_field(member, names);
    }
    if (seen[index]) return duplicate_field(member);
    seen[index] = true;
    BH_TRY(fields[index].decode(member.value, out));
  }
  for (std::size_t i = 0; i < kCount; ++i) {
    if (!seen[i] && fields[i].need == Need::Required) {
      return missing_field(fields[i].name, value.end);
    }
  }
  return {};
}

}  // namespace bh::vmm
