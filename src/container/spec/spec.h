#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "container/json/json.h"
#include "jail/capabilities.h"
#include "jail/cgroup/resources.h"
#include "jail/memory_policy.h"
#include "jail/mount_options.h"
#include "jail/privileges.h"
#include "jail/rlimits.h"
#include "jail/seccomp.h"
#include "os/id_map.h"

namespace bh::container {

/// config.json of the OCI runtime specification 1.2 and what of 1.3 the kernel allows, as values
/// that are known to make sense on their own.

struct ConsoleSize {
  std::uint16_t height = 0;
  std::uint16_t width = 0;
};

struct ProcessSpec {
  bool terminal = false;
  std::optional<ConsoleSize> console_size;
  jail::User user;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::string cwd;
  std::optional<jail::CapabilitySets> capabilities;
  std::vector<std::string> unknown_capabilities;  // Names in `capabilities` that mean nothing here.
  std::vector<jail::Rlimit> rlimits;
  bool no_new_privileges = false;
  std::string apparmor_profile;
  std::string selinux_label;
  std::optional<int> oom_score_adj;
  std::optional<jail::Scheduler> scheduler;
  std::optional<jail::IoPriority> io_priority;
  std::string exec_cpus_initial;
  std::string exec_cpus_final;
};

struct MountSpec {
  std::string destination;
  std::string type;
  std::string source;
  jail::MountOptions options;
  os::IdMaps id_maps;  // Empty: those of the container, if it is to be mapped.
};

struct Hook {
  std::string path;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::optional<int> timeout;  // Seconds.
};

struct Hooks {
  std::vector<Hook> prestart;
  std::vector<Hook> create_runtime;
  std::vector<Hook> create_container;
  std::vector<Hook> start_container;
  std::vector<Hook> poststart;
  std::vector<Hook> poststop;
};

struct NamespaceSpec {
  std::uint64_t flag = 0;  // CLONE_NEW...
  std::string path;        // Empty: a new one.
};

struct DeviceSpec {
  std::string path;
  char type = 'c';  // c, b, p.
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::uint32_t mode = 0666;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

struct TimeOffset {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
};

struct LinuxSpec {
  std::vector<NamespaceSpec> namespaces;
  os::IdMaps id_maps;
  std::map<std::string, TimeOffset> time_offsets;  // "monotonic", "boottime"
  std::vector<DeviceSpec> devices;
  std::map<std::string, std::string> net_devices;  // Name outside to name inside.
  std::string cgroups_path;
  jail::Resources resources;
  std::optional<jail::SeccompProfile> seccomp;
  std::string rootfs_propagation;
  std::map<std::string, std::string> sysctl;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  std::string mount_label;
  std::optional<unsigned long> personality;
  std::optional<jail::MemoryPolicy> memory_policy;

  /// The namespace of that kind, if config.json has one.
  NamespaceSpec const* find(std::uint64_t flag) const;
  bool makes(std::uint64_t flag) const;
};

struct Spec {
  std::string version;
  std::optional<ProcessSpec> process;
  std::string root_path;
  bool root_readonly = false;
  std::vector<MountSpec> mounts;
  std::string hostname;
  std::string domainname;
  Hooks hooks;
  std::map<std::string, std::string> annotations;
  LinuxSpec os;
};

/// Parses and checks. Errors begin with the path of the member: "mounts[3].destination: ...".
Result<Spec> parse_spec(std::string_view text);
/// The text of `exec --process`.
Result<ProcessSpec> parse_process(std::string_view text);
/// The text of `update --resources`: linux.resources alone.
Result<jail::Resources> parse_resources(std::string_view text);

// What the parts of the parser share.
Result<> decode(Json json, ProcessSpec& out);
Result<> decode(Json json, MountSpec& out);
Result<> decode(Json json, Hooks& out);
Result<> decode(Json json, LinuxSpec& out);

}  // namespace bh::container

namespace bh::jail {

Result<> decode(container::Json json, Resources& out);
Result<> decode(container::Json json, SeccompProfile& out);

}  // namespace bh::jail

namespace bh::os {

Result<> decode(container::Json json, IdMapping& out);

}  // namespace bh::os
