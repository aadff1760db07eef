#include <sched.h>
#include <sys/personality.h>

#include <string_view>

#include "container/spec/spec.h"
#include "container/spec/sysctl.h"
#include "jail/namespaces.h"

namespace bh::container {

Result<> decode_id_maps(Json json, os::IdMaps& out);

Result<> decode(Json json, NamespaceSpec& out) {
  std::string type;
  BH_TRY(required_member(json, "type", type));
  auto const* const kind = jail::namespace_kind(std::string_view(type));
  if (kind == nullptr) return json.wrong("type: \"" + type + "\" is no type of namespace");
  out.flag = kind->flag;
  BH_TRY(optional_member(json, "path", out.path));
  if (!out.path.empty() && out.path[0] != '/') return json.wrong("path must begin with /");
  return {};
}

Result<> decode(Json json, DeviceSpec& out) {
  std::string type;
  BH_TRY(required_member(json, "path", out.path));
  BH_TRY(required_member(json, "type", type));
  if (type != "c" && type != "b" && type != "u" && type != "p") {
    return json.wrong("type must be c, b, u or p");
  }
  out.type = type == "u" ? 'c' : type[0];
  if (out.type != 'p') {
    BH_TRY(required_member(json, "major", out.major));
    BH_TRY(required_member(json, "minor", out.minor));
  }
  BH_TRY(optional_member(json, "fileMode", out.mode));
  BH_TRY(optional_member(json, "uid", out.uid));
  BH_TRY(optional_member(json, "gid", out.gid));
  if (!out.path.starts_with('/')) return json.wrong("path must begin with /");
  if (out.major < 0 || out.minor < 0) return json.wrong("device numbers cannot be negative");
  out.mode &= 07777U;
  return {};
}

Result<> decode(Json json, TimeOffset& out) {
  BH_TRY(optional_member(json, "secs", out.seconds));
  BH_TRY(optional_member(json, "nanosecs", out.nanoseconds));
  if (out.nanoseconds > 999'999'999) return json.wrong("nanosecs must be below 1000000000");
  return {};
}

namespace {

Result<> decode_personality(Json json, LinuxSpec& out) {
  auto const personality = BH_TRY(json.member("personality"));
  if (!personality) return {};
  std::string domain;
  std::vector<std::string> flags;
  BH_TRY(required_member(*personality, "domain", domain));
  BH_TRY(optional_member(*personality, "flags", flags));
  if (!flags.empty()) return personality->wrong("flags are not defined by the specification yet");
  if (domain == "LINUX") {
    out.personality = PER_LINUX;
  } else if (domain == "LINUX32") {
    out.personality = PER_LINUX32;
  } else {
    return personality->wrong("domain must be LINUX or LINUX32");
  }
  return {};
}

/// IFNAMSIZ, and what the kernel's dev_valid_name() refuses.
bool is_net_device(std::string_view name) {
  return !name.empty() && name.size() < 16 && name != "." && name != ".." &&
         name.find_first_of("/: \t\n%") == name.npos;
}

Result<> decode_net_devices(Json json, LinuxSpec& out) {
  auto const devices = BH_TRY(json.member("netDevices"));
  if (!devices) return {};
  BH_TRY(devices->each_member([&](std::string_view name, Json device) -> Result<> {
    std::string inside(name);
    BH_TRY(optional_member(device, "name", inside));
    if (inside.empty()) inside = name;
    if (!is_net_device(name) || !is_net_device(inside)) {
      return device.wrong("no name of a network device");
    }
    for (auto const& [other, taken] : out.net_devices) {
      if (taken == inside) return device.wrong("\"" + inside + "\" is the name of two devices");
    }
    out.net_devices.emplace(name, std::move(inside));
    return {};
  }));
  if (out.net_devices.empty() || out.find(CLONE_NEWNET) != nullptr) return {};
  return devices->wrong("needs a network namespace");
}

Result<> decode_memory_policy(Json json, LinuxSpec& out) {
  auto const policy = BH_TRY(json.member("memoryPolicy"));
  if (!policy) return {};
  auto& wanted = out.memory_policy.emplace();
  std::string mode;
  std::vector<std::string> flags;
  BH_TRY(required_member(*policy, "mode", mode));
  BH_TRY(optional_member(*policy, "nodes", wanted.nodes));
  BH_TRY(optional_member(*policy, "flags", flags));
  auto const number = jail::memory_policy_mode(mode);
  if (!number) return policy->wrong("mode: \"" + mode + "\" is no memory policy");
  wanted.mode = *number;
  for (auto const& name : flags) {
    auto const flag = jail::memory_policy_flag(name);
    if (!flag) return policy->wrong("flags: \"" + name + "\" is no flag of memory policies");
    wanted.flags |= *flag;
  }
  return {};
}

Result<> check_namespaces(Json json, LinuxSpec const& spec) {
  std::uint64_t seen = 0;
  for (auto const& one : spec.namespaces) {
    if ((seen & one.flag) != 0) {
      return json.wrong("namespaces: \"" + std::string(jail::namespace_kind(one.flag)->type) +
                        "\" is there twice");
    }
    seen |= one.flag;
  }
  if (!spec.makes(CLONE_NEWUSER) && (!spec.id_maps.users.empty() || !spec.id_maps.groups.empty())) {
    // With a user namespace to join, the maps say what it already has.
    if (spec.find(CLONE_NEWUSER) == nullptr) {
      return json.wrong("uidMappings and gidMappings need a user namespace");
    }
  }
  if (spec.makes(CLONE_NEWUSER) && (spec.id_maps.users.empty() || spec.id_maps.groups.empty())) {
    return json.wrong("a new user namespace needs uidMappings and gidMappings");
  }
  if (!spec.time_offsets.empty() && !spec.makes(CLONE_NEWTIME)) {
    return json.wrong("timeOffsets need a new time namespace");
  }
  for (auto const& [clock, offset] : spec.time_offsets) {
    if (clock != "monotonic" && clock != "boottime") {
      return json.wrong("timeOffsets: \"" + clock + "\" is neither monotonic nor boottime");
    }
  }
  return {};
}

/// What is not supported must not look as if it were in force.
Result<> refuse_unsupported(Json json) {
  auto const found = BH_TRY(json.member("intelRdt"));
  if (found) return fail(Errc::Unsupported, found->path() + ": not supported");
  return {};
}

}  // namespace

NamespaceSpec const* LinuxSpec::find(std::uint64_t flag) const {
  for (auto const& one : namespaces) {
    if (one.flag == flag) return &one;
  }
  return nullptr;
}

bool LinuxSpec::makes(std::uint64_t flag) const {
  auto const* const found = find(flag);
  return found != nullptr && found->path.empty();
}

Result<> decode(Json json, LinuxSpec& out) {
  BH_TRY(optional_member(json, "namespaces", out.namespaces));
  BH_TRY(decode_id_maps(json, out.id_maps));
  BH_TRY(optional_member(json, "timeOffsets", out.time_offsets));
  BH_TRY(optional_member(json, "devices", out.devices));
  BH_TRY(optional_member(json, "cgroupsPath", out.cgroups_path));
  BH_TRY(optional_member(json, "resources", out.resources));
  BH_TRY(optional_member(json, "seccomp", out.seccomp));
  BH_TRY(optional_member(json, "rootfsPropagation", out.rootfs_propagation));
  BH_TRY(optional_member(json, "sysctl", out.sysctl));
  BH_TRY(optional_member(json, "maskedPaths", out.masked_paths));
  BH_TRY(optional_member(json, "readonlyPaths", out.readonly_paths));
  BH_TRY(optional_member(json, "mountLabel", out.mount_label));
  BH_TRY(decode_personality(json, out));
  BH_TRY(decode_memory_policy(json, out));
  BH_TRY(decode_net_devices(json, out));
  BH_TRY(refuse_unsupported(json));
  BH_TRY(check_namespaces(json, out));
  if (!out.rootfs_propagation.empty()) {
    auto const parsed = jail::parse_propagation(out.rootfs_propagation);
    if (!parsed) return json.wrong("rootfsPropagation: " + parsed.error().message);
  }
  for (auto const& [name, value] : out.sysctl) {
    auto const allowed = check_sysctl(name, value, out);
    if (!allowed) return json.wrong("sysctl: " + allowed.error().message);
  }
  return {};
}

}  // namespace bh::container
