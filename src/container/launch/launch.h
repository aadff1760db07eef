#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "container/launch/plan.h"
#include "container/spec/spec.h"
#include "container/store.h"
#include "jail/cgroup/cgroup.h"
#include "jail/namespaces.h"
#include "jail/proc_dir.h"
#include "jail/process.h"
#include "jail/root_dir.h"
#include "jail/seccomp.h"
#include "jail/systemd/systemd.h"
#include "os/unique_fd.h"

namespace bh::container {

enum class CgroupManager : std::uint8_t { Files, Systemd, Disabled };

/// What the command line says of a new container.
struct LaunchOptions {
  std::string id;
  std::string bundle;  // Absolute.
  std::string console_socket;
  std::string pid_file;
  int preserve_fds = 0;  // Descriptors 3, 4, ... that the program keeps.
  bool new_keyring = true;
  bool pivot = true;  // False: --no-pivot, for hosts whose own root cannot be left.
  CgroupManager cgroups = CgroupManager::Files;
};

/// A mount of config.json on its way: its tree exists and is not yet in place.
struct PreparedMount {
  os::UniqueFd tree;
  bool folder = true;
};

/// Everything that the steps of making one container share. The runtime fills it; the new process
/// has a copy of it.
struct Launch {
  Spec spec;
  std::string config;  // The text that `spec` was read from.
  LaunchOptions options;
  jail::ProcDir proc;
  Store const* store = nullptr;

  bool privileged = false;  // The runtime may mount on the host, so sources are opened there.
  bool mapped = false;      // The runtime itself is in a user namespace that is not the host's.
  std::optional<ContainerFolder> folder;
  State state;
  jail::CgroupHierarchies hierarchies;
  std::optional<jail::Cgroup> cgroup;
  std::vector<os::UniqueFd> cgroup_entrances;
  os::UniqueFd cgroup_unified;  // For CLONE_INTO_CGROUP.
  std::optional<jail::Systemd> systemd;
  std::string group_path;  // Below the mount points of the hierarchies.
  std::vector<jail::JoinedNamespace> joined;
  os::UniqueFd network;  // The container's, while devices are moved into it.
  os::UniqueFd root_tree;
  std::vector<PreparedMount> mounts;  // As spec.mounts.
  std::optional<jail::SeccompFilter> seccomp;
  os::UniqueFd seccomp_listener;  // The socket whose other end takes the listener.
  os::UniqueFd console_socket;
  os::UniqueFd start_socket;

  std::optional<jail::RootDir> root;  // In the new process, once the root is in place.
  std::string program;                // What process.args[0] turned out to be.

  bool joins(std::uint64_t flag) const {
    auto const* const found = spec.os.find(flag);
    return found != nullptr && !found->path.empty();
  }
};

/// Whether the process waits for the runtime between Complete and Enter.
bool visits(Spec const& spec);

/// Steps are added by subject. None of these does anything yet.
void plan_host(Launch& launch, Plan& plan);
void plan_groups(Launch& launch, Plan& plan);
void plan_systemd(Launch& launch, Plan& plan);
/// Without root, what cannot be limited must not look as if it were.
Result<> apply_limits(Launch& launch);
void plan_namespaces_inside(Launch& launch, Plan& plan);
void plan_mounts(Launch& launch, Plan& plan);
void plan_devices(Launch& launch, Plan& plan);
void plan_entry(Launch& launch, Plan& plan);
void plan_net_devices(Launch& launch, Plan& plan);

/// The whole plan of a container.
Plan make_plan(Launch& launch);

}  // namespace bh::container
