// The body of PUT /cpu-config, which is a file of its own beside a configuration file.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>

#include "vmm/api/fields.h"
#include "vmm/api/sections.h"

namespace bh::vmm {

namespace {

constexpr std::string_view kHexadecimal = "0x";
constexpr std::string_view kBinary = "0b";

/// "0x1f" or "0b11111".
Result<> decode_prefixed(JsonValue const& value, std::uint32_t& out) {
  std::string text;
  BH_TRY(decode_string(value, text));
  bool const binary = text.starts_with(kBinary);
  if (!binary && !text.starts_with(kHexadecimal)) {
    return fail(Errc::Invalid,
                fmt::format("No supported number system prefix found in value [{}]. Make sure to "
                            "prefix the number with '0x' for hexadecimal numbers or '0b' for "
                            "binary numbers.{}",
                            text, value.end.suffix()));
  }
  auto const* const start = text.data() + kBinary.size();
  auto const* const end = text.data() + text.size();
  auto const [stop, error] = std::from_chars(start, end, out, binary ? 2 : 16);
  if (error == std::errc() && stop == end) return {};
  return fail(Errc::Invalid, fmt::format("Failed to parse string [{}] as a number for CPU "
                                         "template{}",
                                         text, value.end.suffix()));
}

/// "0b1x0": the last digit is bit 0, x and what is left out stay, _ is for the eye.
Result<> decode_bitmap(JsonValue const& value, unsigned width, BitChange& out) {
  std::string text;
  BH_TRY(decode_string(value, text));
  auto const wrong = [&](std::string_view why) {
    return fail(Errc::Invalid, fmt::format("Failed to parse string [{}] as a bitmap: {}{}", text,
                                           why, value.end.suffix()));
  };
  if (!text.starts_with(kBinary)) return wrong("it must begin with 0b");
  unsigned bits = 0;
  for (auto const digit : std::string_view(text).substr(kBinary.size())) {
    if (digit == '_') continue;
    if (digit != '0' && digit != '1' && digit != 'x') return wrong("digits are 0, 1, x and _");
    if (++bits > width) return wrong(fmt::format("it has more than {} bits", width));
    out.mask = out.mask << 1 | (digit == 'x' ? 0 : 1);
    out.value = out.value << 1 | (digit == '1' ? 1 : 0);
  }
  if (bits == 0) return wrong("it has no bits");
  return {};
}

template <typename Take>
Result<> decode_each(JsonValue const& value, Take take) {
  if (is_null(value)) return {};
  auto const* const array = std::get_if<JsonArray>(&value.content);
  if (array == nullptr) return invalid_type(value, "a sequence");
  for (auto const& element : *array) BH_TRY(take(element));
  return {};
}

struct RegisterChange {
  std::size_t index = 0;
  BitChange bits;
};

constexpr Field<RegisterChange> kRegisterFields[] = {
    {"register", Need::Required,
     [](JsonValue const& value, RegisterChange& out) -> Result<> {
       constexpr std::array<std::string_view, 4> kNames{"eax", "ebx", "ecx", "edx"};
       out.index = BH_TRY(decode_variant(value, kNames, LetterCase::Exact));
       return {};
     }},
    {"bitmap", Need::Required,
     [](JsonValue const& value, RegisterChange& out) {
       return decode_bitmap(value, 32, out.bits);
     }},
};

constexpr Field<CpuidChange> kCpuidFields[] = {
    {"leaf", Need::Required,
     [](JsonValue const& value, CpuidChange& out) { return decode_prefixed(value, out.leaf); }},
    {"subleaf", Need::Required,
     [](JsonValue const& value, CpuidChange& out) { return decode_prefixed(value, out.subleaf); }},
    {"flags", Need::Required,
     [](JsonValue const& value, CpuidChange& out) -> Result<> {
       std::uint64_t flags = 0;
       BH_TRY(decode_unsigned(value, std::numeric_limits<std::uint32_t>::max(), "u32", flags));
       out.flags = static_cast<std::uint32_t>(flags);
       return {};
     }},
    {"modifiers", Need::Required,
     [](JsonValue const& value, CpuidChange& out) {
       return decode_each(value, [&](JsonValue const& element) -> Result<> {
         RegisterChange change;
         BH_TRY(decode_object(element, "struct CpuidRegisterModifier", kRegisterFields, change));
         out.registers[change.index] = change.bits;
         return {};
       });
     }},
};

constexpr Field<MsrChange> kMsrFields[] = {
    {"addr", Need::Required,
     [](JsonValue const& value, MsrChange& out) { return decode_prefixed(value, out.index); }},
    {"bitmap", Need::Required,
     [](JsonValue const& value, MsrChange& out) { return decode_bitmap(value, 64, out.bits); }},
};

/// "121", or "!121" for one that Firecracker would look for and shall not: we look for none.
Result<> decode_capability(JsonValue const& value, CpuTemplate& out) {
  std::string text;
  BH_TRY(decode_string(value, text));
  bool const wanted = !text.starts_with('!');
  auto const* const start = text.data() + (wanted ? 0 : 1);
  unsigned number = 0;
  auto const [end, error] = std::from_chars(start, text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return fail(Errc::Invalid, fmt::format("Invalid KVM capability: [{}]: must be a number, or ! "
                                           "and a number{}",
                                           text, value.end.suffix()));
  }
  if (wanted) out.kvm_capabilities.push_back(number);
  return {};
}

constexpr Field<CpuTemplate> kTemplateFields[] = {
    {"kvm_capabilities", Need::Optional,
     [](JsonValue const& value, CpuTemplate& out) {
       return decode_each(
           value, [&](JsonValue const& element) { return decode_capability(element, out); });
     }},
    {"cpuid_modifiers", Need::Optional,
     [](JsonValue const& value, CpuTemplate& out) {
       return decode_each(value, [&](JsonValue const& element) {
         return decode_object(element, "struct CpuidLeafModifier", kCpuidFields,
                              out.cpuid.emplace_back());
       });
     }},
    {"msr_modifiers", Need::Optional,
     [](JsonValue const& value, CpuTemplate& out) {
       return decode_each(value, [&](JsonValue const& element) {
         return decode_object(element, "struct RegisterModifier", kMsrFields,
                              out.msrs.emplace_back());
       });
     }},
};

}  // namespace

Result<> decode_section(JsonValue const& value, CpuTemplate& out) {
  return decode_object(value, "struct CustomCpuTemplate", kTemplateFields, out);
}

Result<CpuTemplate> parse_cpu_template(std::string_view json) {
  auto const value = BH_TRY(parse_json(json));
  CpuTemplate parsed;
  BH_TRY(decode_section(value, parsed));
  return parsed;
}

}  // namespace bh::vmm
