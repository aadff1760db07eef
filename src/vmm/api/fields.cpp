#include "vmm/api/fields.h"

#include <fmt/format.h>

namespace bh::vmm {

std::unexpected<Error> not_supported(std::string_view name, TextPosition position) {
  return fail(Errc::Unsupported,
              fmt::format("\"{}\": not supported yet{}", name, position.suffix()));
}

namespace {

Result<> refuse_nul(std::string const& text, JsonValue const& value) {
  if (text.find('\0') == std::string::npos) return {};
  return fail(Errc::Invalid, "string with a zero byte" + value.end.suffix());
}

}  // namespace

Result<> decode_text(JsonValue const& value, std::string& out) {
  BH_TRY(decode_string(value, out));
  return refuse_nul(out, value);
}

Result<> decode_optional_text(JsonValue const& value, std::optional<std::string>& out) {
  BH_TRY(decode_optional_string(value, out));
  return out ? refuse_nul(*out, value) : Result<>();
}

Result<> decode_false(JsonValue const& value, std::string_view name) {
  bool flag = false;
  BH_TRY(decode_bool(value, flag));
  if (flag) return not_supported(name, value.end);
  return {};
}

Result<> decode_optional_bool(JsonValue const& value, std::optional<bool>& out) {
  if (std::holds_alternative<JsonNull>(value.content)) return {};
  return decode_bool(value, out.emplace());
}

Result<> decode_flag(JsonValue const& value, bool& out) {
  if (is_null(value)) return {};
  return decode_bool(value, out);
}

}  // namespace bh::vmm
