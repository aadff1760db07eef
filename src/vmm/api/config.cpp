#include "vmm/api/config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <limits>

#include "os/file.h"
#include "vmm/api/decode.h"
#include "vmm/api/json.h"
#include "vmm/engine/engine.h"

namespace bh::vmm {

namespace {

constexpr std::uint64_t kMebibyte = 1024 * 1024;
constexpr std::array<std::string_view, 7> kLevelNames{"Off",   "Error", "Warning", "Info",
                                                      "Debug", "Trace", "Warn"};

std::unexpected<Error> not_supported(std::string_view name, TextPosition position) {
  return fail(Errc::Unsupported,
              fmt::format("\"{}\": not supported yet{}", name, position.suffix()));
}

/// Such a string would be cut short where the system or the guest reads it.
Result<> refuse_nul(std::string const& text, JsonValue const& value) {
  if (text.find('\0') == std::string::npos) return {};
  return fail(Errc::Invalid, "string with a zero byte" + value.end.suffix());
}

Result<> decode_text(JsonValue const& value, std::string& out) {
  BH_TRY(decode_string(value, out));
  return refuse_nul(out, value);
}

Result<> decode_optional_text(JsonValue const& value, std::optional<std::string>& out) {
  BH_TRY(decode_optional_string(value, out));
  return out ? refuse_nul(*out, value) : Result<>();
}

/// For switches whose "on" we do not have.
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

constexpr std::array<std::string_view, 12> kLaterSections{
    "drives", "network-interfaces", "vsock",      "balloon",        "entropy", "serial", "metrics",
    "pmem",   "mmds-config",        "cpu-config", "memory-hotplug", "mmds"};

bool is_nothing(JsonValue const& value) {
  auto const* const array = std::get_if<JsonArray>(&value.content);
  return std::holds_alternative<JsonNull>(value.content) || (array != nullptr && array->empty());
}

template <typename Object, std::size_t kCount>
Result<> decode_section(JsonMember const& member, std::string_view type,
                        Field<Object> const (&fields)[kCount], Object& out) {
  auto decoded = decode_object(member.value, type, fields, out);
  if (!decoded) return std::unexpected(std::move(decoded).error().while_doing(member.name));
  return {};
}

Result<> decode_member(JsonMember const& member, VmConfig& out) {
  bool const absent = std::holds_alternative<JsonNull>(member.value.content);
  if (member.name == "boot-source") {
    return decode_section(member, "struct BootSourceConfig", kBootSourceFields, out.boot_source);
  }
  if (member.name == "machine-config") {
    if (absent) return {};
    return decode_section(member, "struct MachineConfig", kMachineFields, out.machine);
  }
  if (member.name == "logger") {
    if (absent) return {};
    return decode_section(member, "struct LoggerConfig", kLoggerFields, out.logger);
  }
  for (auto const later : kLaterSections) {
    if (member.name != later) continue;
    if (is_nothing(member.value)) return {};
    return not_supported(later, member.name_end);
  }
  out.ignored_sections.push_back(member.name);
  return {};
}

Result<std::string> read_text(std::string const& path) {
  auto const file = BH_TRY(os::open_file(path, O_RDONLY));
  std::string text;
  // One byte more than the limit, so that the parser refuses what is too long.
  while (text.size() <= kJsonLimit) {
    char buffer[16 * 1024];
    ssize_t const count = ::read(file.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read " + path, errno);
    if (count == 0) break;
    text.append(buffer, static_cast<std::size_t>(count));
  }
  return text;
}

}  // namespace

Result<VmConfig> parse_config(std::string_view json) {
  auto const value = BH_TRY(parse_json(json));
  auto const* const members = std::get_if<JsonObject>(&value.content);
  if (members == nullptr) return invalid_type(value, "struct VmmConfig");
  VmConfig config;
  bool has_boot_source = false;
  for (std::size_t i = 0; i < members->size(); ++i) {
    auto const& member = (*members)[i];
    for (std::size_t earlier = 0; earlier < i; ++earlier) {
      if ((*members)[earlier].name == member.name) return duplicate_field(member);
    }
    BH_TRY(decode_member(member, config));
    if (member.name == "boot-source") has_boot_source = true;
  }
  if (!has_boot_source) return missing_field("boot-source", value.end);
  return config;
}

Result<> check_fits(MachineConfig const& machine, std::uint64_t host_memory) {
  std::uint64_t const host_mib = host_memory / kMebibyte;
  if (machine.mem_size_mib <= host_mib) return {};
  return fail(Errc::Invalid,
              fmt::format("machine-config: mem_size_mib {}: this host has only {} MiB of memory",
                          machine.mem_size_mib, host_mib));
}

Result<VmConfig> load_config(std::string const& path) {
  auto const text = BH_TRY(read_text(path));
  auto config = parse_config(text);
  if (!config) return std::unexpected(std::move(config).error().while_doing(path));
  return config;
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
