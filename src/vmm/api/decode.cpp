#include "vmm/api/decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace bh::vmm {

namespace {

/// "expected `a`", "expected `a` or `b`", "expected one of `a`, `b`, `c`".
std::string one_of(std::span<std::string_view const> names) {
  if (names.size() == 1) return fmt::format("expected `{}`", names[0]);
  if (names.size() == 2) return fmt::format("expected `{}` or `{}`", names[0], names[1]);
  std::string words = "expected one of ";
  for (std::size_t i = 0; i < names.size(); ++i) {
    words += fmt::format("{}`{}`", i == 0 ? "" : ", ", names[i]);
  }
  return words;
}

struct Describe {
  std::string operator()(JsonNull) const { return "null"; }
  std::string operator()(bool value) const { return fmt::format("boolean `{}`", value); }
  std::string operator()(std::int64_t value) const { return fmt::format("integer `{}`", value); }
  std::string operator()(std::uint64_t value) const { return fmt::format("integer `{}`", value); }
  std::string operator()(double value) const { return fmt::format("floating point `{}`", value); }
  std::string operator()(std::string const& value) const {
    return fmt::format("string \"{}\"", value);
  }
  std::string operator()(JsonArray const&) const { return "sequence"; }
  std::string operator()(JsonObject const&) const { return "map"; }
};

bool same(std::string_view a, std::string_view b, LetterCase letter_case) {
  if (letter_case == LetterCase::Exact) return a == b;
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::unexpected<Error> invalid(std::string words, TextPosition position) {
  return fail(Errc::Invalid, std::move(words) + position.suffix());
}

}  // namespace

std::unexpected<Error> invalid_type(JsonValue const& value, std::string_view expected) {
  return invalid(
      fmt::format("invalid type: {}, expected {}", std::visit(Describe(), value.content), expected),
      value.start);
}

std::unexpected<Error> unknown_field(JsonMember const& member,
                                     std::span<std::string_view const> known) {
  return invalid(fmt::format("unknown field `{}`, {}", member.name, one_of(known)),
                 member.name_end);
}

std::unexpected<Error> duplicate_field(JsonMember const& member) {
  return invalid(fmt::format("duplicate field `{}`", member.name), member.name_end);
}

std::unexpected<Error> missing_field(std::string_view name, TextPosition position) {
  return invalid(fmt::format("missing field `{}`", name), position);
}

Result<> decode_string(JsonValue const& value, std::string& out) {
  auto const* const text = std::get_if<std::string>(&value.content);
  if (text == nullptr) return invalid_type(value, "a string");
  out = *text;
  return {};
}

Result<> decode_optional_string(JsonValue const& value, std::optional<std::string>& out) {
  if (std::holds_alternative<JsonNull>(value.content)) return {};
  return decode_string(value, out.emplace());
}

Result<> decode_bool(JsonValue const& value, bool& out) {
  auto const* const flag = std::get_if<bool>(&value.content);
  if (flag == nullptr) return invalid_type(value, "a boolean");
  out = *flag;
  return {};
}

Result<> decode_unsigned(JsonValue const& value, std::uint64_t limit, std::string_view type,
                         std::uint64_t& out) {
  std::optional<std::uint64_t> number;
  if (auto const* const big = std::get_if<std::uint64_t>(&value.content)) {
    number = *big;
  } else if (auto const* const small = std::get_if<std::int64_t>(&value.content)) {
    if (*small >= 0) number = static_cast<std::uint64_t>(*small);
  } else {
    return invalid_type(value, type);
  }
  if (!number || *number > limit) {
    return invalid(
        fmt::format("invalid value: {}, expected {}", std::visit(Describe(), value.content), type),
        value.start);
  }
  out = *number;
  return {};
}

Result<std::size_t> decode_variant(JsonValue const& value,
                                   std::span<std::string_view const> variants,
                                   LetterCase letter_case) {
  std::string text;
  BH_TRY(decode_string(value, text));
  for (std::size_t i = 0; i < variants.size(); ++i) {
    if (same(text, variants[i], letter_case)) return i;
  }
  return invalid(fmt::format("unknown variant `{}`, {}", text, one_of(variants)), value.start);
}

}  // namespace bh::vmm
