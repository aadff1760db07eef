#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "container/launch/channel.h"
#include "container/launch/launch.h"
#include "container/launch/mount_tree.h"
#include "jail/user_namespace.h"
#include "os/capability.h"
#include "os/file.h"
#include "os/text_file.h"

namespace bh::container {

namespace {

Result<> make_folder(Launch& launch) {
  auto folder = BH_TRY(launch.store->create(launch.options.id));
  launch.folder.emplace(std::move(folder));
  auto written = launch.folder->write_config(launch.config);
  // A step that fails has nothing to undo.
  if (!written) (void)launch.store->remove(launch.options.id);
  return written;
}

std::string host_path(Launch const& launch, std::string const& path) {
  return path.starts_with('/') ? path : launch.options.bundle + "/" + path;
}

Result<> open_root(Launch& launch) {
  launch.state.rootfs = host_path(launch, launch.spec.root_path);
  struct stat status{};
  if (::stat(launch.state.rootfs.c_str(), &status) != 0) {
    return fail_errno("stat " + launch.state.rootfs, errno);
  }
  if (!S_ISDIR(status.st_mode)) return fail(Errc::Invalid, launch.state.rootfs + " is no folder");
  if (!launch.privileged) return {};
  launch.root_tree = BH_TRY(clone_root(launch));
  return {};
}

void plan_namespaces(Launch& launch, Plan& plan) {
  // In the order of joining, not of config.json.
  for (auto const& kind : jail::namespace_kinds()) {
    auto const* const wanted = launch.spec.os.find(kind.flag);
    if (wanted == nullptr || wanted->path.empty()) continue;
    plan.add(Phase::Prepare, "open the " + std::string(kind.type) + " namespace " + wanted->path,
             [&launch, wanted]() -> Result<> {
               auto joined = BH_TRY(jail::open_namespace(wanted->flag, wanted->path));
               launch.joined.push_back(std::move(joined));
               return {};
             });
  }
}

void plan_sockets(Launch& launch, Plan& plan) {
  if (launch.spec.os.seccomp) {
    plan.add(Phase::Prepare, "compile the seccomp filter", [&launch]() -> Result<> {
      auto filter = BH_TRY(jail::SeccompFilter::compile(*launch.spec.os.seccomp));
      launch.seccomp.emplace(std::move(filter));
      if (!launch.seccomp->notifies()) return {};
      launch.seccomp_listener = BH_TRY(connect_to(launch.spec.os.seccomp->listener_path));
      return {};
    });
  }
  if (!launch.options.console_socket.empty()) {
    plan.add(Phase::Prepare, "connect to the console socket " + launch.options.console_socket,
             [&launch]() -> Result<> {
               launch.console_socket = BH_TRY(connect_to(launch.options.console_socket));
               return {};
             });
  }
}

}  // namespace

void plan_host(Launch& launch, Plan& plan) {
  plan.add(Phase::Prepare, "open the root " + launch.spec.root_path,
           [&launch] { return open_root(launch); });
  for (std::size_t i = 0; i < launch.spec.mounts.size(); ++i) {
    auto const& mount = launch.spec.mounts[i];
    launch.mounts.emplace_back();
    // Without rights on the host the new process does it, in a namespace where it has them.
    if (mount.options.bind == jail::Bind::No || mount.options.remount) continue;
    plan.add(launch.privileged ? Phase::Prepare : Phase::Populate,
             "open " + mount.source + " for " + mount.destination,
             [&launch, i] { return open_bind_source(launch, i); });
  }
  plan_namespaces(launch, plan);
  plan_sockets(launch, plan);
  plan.add(
      Phase::Prepare, "make the container's folder", [&launch] { return make_folder(launch); },
      [&launch] { (void)launch.store->remove(launch.options.id); });
  plan_groups(launch, plan);
}

Plan make_plan(Launch& launch) {
  launch.privileged = os::has_capability(CAP_SYS_ADMIN);
  launch.mapped = jail::in_user_namespace(launch.proc);
  Plan plan;
  plan_host(launch, plan);
  plan_namespaces_inside(launch, plan);
  plan_mounts(launch, plan);
  plan_devices(launch, plan);
  plan_net_devices(launch, plan);
  plan_entry(launch, plan);
  return plan;
}

}  // namespace bh::container
