#include "vmm/api/config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "os/file.h"
#include "vmm/api/decode.h"
#include "vmm/api/fields.h"
#include "vmm/api/json.h"
#include "vmm/api/sections.h"

namespace bh::vmm {

namespace {

constexpr std::uint64_t kMebibyte = 1024 * 1024;

constexpr std::array<std::string_view, 3> kLaterSections{"pmem", "memory-hotplug", "mmds"};

bool is_nothing(JsonValue const& value) {
  auto const* const array = std::get_if<JsonArray>(&value.content);
  return std::holds_alternative<JsonNull>(value.content) || (array != nullptr && array->empty());
}

/// Decodes one object and hands it to `put`.
template <typename Object, typename Put>
Result<> take(JsonValue const& value, Put put) {
  Object object;
  BH_TRY(decode_section(value, object));
  return put(std::move(object));
}

template <typename Object, typename Put>
Result<> take_each(JsonValue const& value, Put put) {
  auto const* const array = std::get_if<JsonArray>(&value.content);
  if (array == nullptr) return invalid_type(value, "a sequence");
  for (auto const& element : *array) BH_TRY(take<Object>(element, put));
  return {};
}

struct Section {
  std::string_view name;
  Result<> (*read)(JsonValue const& value, VmConfig& out);
};

/// Stores what has nothing to be checked against.
template <typename Object, auto kMember>
Result<> read_into(JsonValue const& value, VmConfig& out) {
  return take<Object>(value, [&](Object object) {
    out.*kMember = std::move(object);
    return Result<>();
  });
}

template <typename Object, Result<> (*kPut)(VmConfig&, Object)>
Result<> read_one(JsonValue const& value, VmConfig& out) {
  return take<Object>(value, [&](Object object) { return kPut(out, std::move(object)); });
}

template <typename Object, Result<> (*kPut)(VmConfig&, Object)>
Result<> read_list(JsonValue const& value, VmConfig& out) {
  return take_each<Object>(value, [&](Object object) { return kPut(out, std::move(object)); });
}

constexpr Section kSections[] = {
    {"machine-config", read_into<MachineConfig, &VmConfig::machine>},
    {"logger", read_into<LoggerConfig, &VmConfig::logger>},
    {"drives", read_list<DriveConfig, put_drive>},
    {"network-interfaces", read_list<NetworkInterfaceConfig, put_network_interface>},
    {"vsock", read_one<VsockConfig, put_vsock>},
    {"balloon", read_one<BalloonConfig, put_balloon>},
    {"entropy", read_into<EntropyConfig, &VmConfig::entropy>},
    {"mmds-config", read_one<MmdsConfig, put_mmds>},
    {"serial", read_into<SerialConfig, &VmConfig::serial>},
    {"metrics", read_into<MetricsConfig, &VmConfig::metrics>},
    {"shares", read_list<ShareConfig, put_share>},
    {"cpu-config",
     [](JsonValue const& value, VmConfig& out) {
       return decode_optional_text(value, out.cpu_template_path);
     }},
};

Result<> decode_member(JsonMember const& member, VmConfig& out) {
  auto const inside = [&](Result<> read) -> Result<> {
    if (read) return {};
    return std::unexpected(std::move(read).error().while_doing(member.name));
  };
  if (member.name == "boot-source") {
    return inside(decode_section(member.value, out.boot_source));
  }
  for (auto const& section : kSections) {
    if (member.name != section.name) continue;
    return is_null(member.value) ? Result<>() : inside(section.read(member.value, out));
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
  BH_TRY(check_references(config));
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
  if (config->cpu_template_path) {
    auto const& named = *config->cpu_template_path;
    auto const json = BH_TRY(read_text(named));
    auto parsed = parse_cpu_template(json);
    if (!parsed) return std::unexpected(std::move(parsed).error().while_doing(named));
    config->cpu_template = *std::move(parsed);
  }
  return config;
}

}  // namespace bh::vmm
