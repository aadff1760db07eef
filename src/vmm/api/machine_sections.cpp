#include <fmt/format.h>

#include <array>
#include <limits>

#include "vmm/api/fields.h"
#include "vmm/api/sections.h"
#include "vmm/engine/engine.h"

namespace bh::vmm {

namespace {

constexpr std::array<std::string_view, 7> kLevelNames{"Off",   "Error", "Warning", "Info",
                                                      "Debug", "Trace", "Warn"};

constexpr Field<BootSourceConfig> kBootSourceFields[] = {
    {"kernel_image_path", Need::Required,
     [](JsonValue const& value, BootSourceConfig& out) {
       return decode_text(value, out.kernel_image_path);
     }},
    {"initrd_path", Need::Optional,
     [](JsonValue const& value, BootSourceConfig& out) {
       return decode_optional_text(value, out.initrd_path);
     }},
    {"boot_args", Need::Optional,
     [](JsonValue const& value, BootSourceConfig& out) {
       return decode_optional_text(value, out.boot_args);
     }},
};

Result<> decode_vcpu_count(JsonValue const& value, MachineConfig& out) {
  std::uint64_t count = 0;
  BH_TRY(decode_unsigned(value, std::numeric_limits<std::uint8_t>::max(), "u8", count));
  if (count < 1 || count > kMaxVcpus) {
    return fail(Errc::Invalid, fmt::format("vcpu_count {}: must be 1 to {}{}", count, kMaxVcpus,
                                           value.end.suffix()));
  }
  out.vcpu_count = static_cast<unsigned>(count);
  return {};
}

Result<> decode_memory_size(JsonValue const& value, MachineConfig& out) {
  auto const limit = std::numeric_limits<std::uint64_t>::max();
  BH_TRY(decode_unsigned(value, limit, "usize", out.mem_size_mib));
  if (out.mem_size_mib == 0) {
    return fail(Errc::Invalid, "mem_size_mib 0: must be at least 1" + value.end.suffix());
  }
  return {};
}

Result<> decode_huge_pages(JsonValue const& value, MachineConfig& out) {
  constexpr std::array<std::string_view, 3> kNames{"None", "Transparent", "2M"};
  auto const index = BH_TRY(decode_variant(value, kNames, LetterCase::Exact));
  out.huge_pages = static_cast<HugePagesConfig>(index);
  return {};
}

Result<> decode_cpu_template(JsonValue const& value, MachineConfig& /*out*/) {
  constexpr std::array<std::string_view, 7> kNames{"C3",  "T2",   "T2S", "T2CL",
                                                   "T2A", "V1N1", "None"};
  if (std::holds_alternative<JsonNull>(value.content)) return {};
  auto const index = BH_TRY(decode_variant(value, kNames, LetterCase::Exact));
  if (kNames[index] != "None") return not_supported("cpu_template", value.end);
  return {};
}

constexpr Field<MachineConfig> kMachineFields[] = {
    {"vcpu_count", Need::Required, decode_vcpu_count},
    {"mem_size_mib", Need::Required, decode_memory_size},
    {"smt", Need::Optional,
     [](JsonValue const& value, MachineConfig&) { return decode_false(value, "smt"); }},
    {"cpu_template", Need::Optional, decode_cpu_template},
    {"track_dirty_pages", Need::Optional,
     [](JsonValue const& value, MachineConfig&) {
       return decode_false(value, "track_dirty_pages");
     }},
    {"huge_pages", Need::Optional, decode_huge_pages},
};

LogLevel level_of(std::size_t index) {
  return index == kLevelNames.size() - 1 ? LogLevel::Warning : static_cast<LogLevel>(index);
}

Result<> decode_level(JsonValue const& value, LoggerConfig& out) {
  if (std::holds_alternative<JsonNull>(value.content)) return {};
  auto const index = BH_TRY(decode_variant(value, kLevelNames, LetterCase::Ignored));
  out.level = level_of(index);
  return {};
}

constexpr Field<LoggerConfig> kLoggerFields[] = {
    {"log_path", Need::Optional,
     [](JsonValue const& value, LoggerConfig& out) {
       return decode_optional_text(value, out.log_path);
     }},
    {"level", Need::Optional, decode_level},
    {"show_level", Need::Optional,
     [](JsonValue const& value, LoggerConfig& out) {
       return decode_optional_bool(value, out.show_level);
     }},
    {"show_log_origin", Need::Optional,
     [](JsonValue const& value, LoggerConfig& out) {
       return decode_optional_bool(value, out.show_log_origin);
     }},
    {"module", Need::Optional,
     [](JsonValue const& value, LoggerConfig& out) {
       return decode_optional_text(value, out.module);
     }},
};

}  // namespace

Result<> decode_section(JsonValue const& value, BootSourceConfig& out) {
  return decode_object(value, "struct BootSourceConfig", kBootSourceFields, out);
}

Result<> decode_section(JsonValue const& value, MachineConfig& out) {
  return decode_object(value, "struct MachineConfig", kMachineFields, out);
}

Result<> decode_machine_update(JsonValue const& value, MachineConfig& out) {
  auto const* const members = std::get_if<JsonObject>(&value.content);
  if (members != nullptr && members->empty()) {
    return fail(Errc::Invalid, "Empty PATCH request.");
  }
  // The same fields, none of them required.
  Field<MachineConfig> fields[std::size(kMachineFields)];
  for (std::size_t i = 0; i < std::size(fields); ++i) {
    fields[i] = {kMachineFields[i].name, Need::Optional, kMachineFields[i].decode};
  }
  return decode_object(value, "struct MachineConfigUpdate", fields, out);
}

Result<> decode_section(JsonValue const& value, LoggerConfig& out) {
  return decode_object(value, "struct LoggerConfig", kLoggerFields, out);
}

Result<LogLevel> parse_log_level(std::string_view name) {
  JsonValue const value{.content = std::string(name), .start = {}, .end = {}};
  auto const index = decode_variant(value, kLevelNames, LetterCase::Ignored);
  if (!index) {
    return fail(Errc::Invalid, fmt::format("level \"{}\": must be Off, Error, Warning, Info, Debug "
                                           "or Trace",
                                           name));
  }
  return level_of(*index);
}

}  // namespace bh::vmm
