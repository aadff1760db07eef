#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "container/launch/copy_up.h"
#include "container/launch/launch.h"
#include "container/launch/mount_tree.h"
#include "jail/mount.h"
#include "os/text_file.h"

namespace bh::container {

namespace {

/// Files of /proc that programs like lxcfs replace. Anything else mounted there would be what the
/// runtime and the container take for the kernel's word.
constexpr std::array<std::string_view, 10> kReplaceable = {"/cpuinfo",
                                                           "/diskstats",
                                                           "/meminfo",
                                                           "/stat",
                                                           "/swaps",
                                                           "/uptime",
                                                           "/loadavg",
                                                           "/slabinfo",
                                                           "/sys/kernel/ns_last_pid",
                                                           "/sys/crypto/fips_enabled"};

Result<> attach_root(Launch& launch) {
  // Nothing that happens here may reach the host.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return fail_errno("make / a slave", errno);
  }
  if (!launch.root_tree.valid()) launch.root_tree = BH_TRY(clone_root(launch));
  auto const top = BH_TRY(os::open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY));
  BH_TRY(jail::attach(launch.root_tree.get(), top.get()));
  launch.root.emplace(std::move(launch.root_tree));
  return {};
}

bool kernel_made(MountSpec const& mount) {
  return mount.type == "proc" || mount.type == "sysfs";
}

Result<os::UniqueFd> target_of(Launch const& launch, std::size_t index) {
  auto const& mount = launch.spec.mounts[index];
  if (!launch.mounts[index].folder) return launch.root->make_file(mount.destination);
  if (!kernel_made(mount)) return launch.root->make_folder(mount.destination);
  // Through a link, what is written to /proc later would land elsewhere.
  BH_TRY(launch.root->make_folder(mount.destination));
  return launch.root->open_without_links(mount.destination, O_PATH | O_DIRECTORY);
}

/// A bind mount over something in a proc file system, wherever links led to.
Result<> check_target(Launch const& launch, MountSpec const& mount, int target) {
  struct statfs system{};
  if (::fstatfs(target, &system) != 0) return fail_errno("statfs", errno);
  if (system.f_type != PROC_SUPER_MAGIC || mount.type == "proc") return {};
  auto const path = BH_TRY(launch.proc.path_of(target));
  bool const allowed =
      std::ranges::any_of(kReplaceable, [&](auto const name) { return path.ends_with(name); });
  if (allowed) return {};
  return fail(Errc::Denied, mount.destination +
                                " is inside /proc, where only files such as "
                                "/proc/cpuinfo may be replaced");
}

Result<> remount(Launch const& launch, MountSpec const& mount) {
  auto const target = BH_TRY(launch.root->open(mount.destination, O_PATH));
  return apply_mount_options(target.get(), mount.options);
}

Result<> place_mount(Launch& launch, std::size_t index) {
  auto const& mount = launch.spec.mounts[index];
  if (mount.options.remount) return remount(launch, mount);
  auto const target = BH_TRY(target_of(launch, index));
  BH_TRY(check_target(launch, mount, target.get()));
  if (mount.type == "cgroup" || mount.type == "cgroup2") {
    if (mount.options.bind == jail::Bind::No) return mount_cgroups(launch, mount, target.get());
  }
  auto& prepared = launch.mounts[index];
  if (!prepared.tree.valid()) BH_TRY(make_mount(launch, index));
  if (mount.options.copy_up) BH_TRY(copy_up(target.get(), prepared.tree.get()));
  BH_TRY(jail::attach(prepared.tree.get(), target.get()));
  prepared.tree.reset();
  return {};
}

Result<> mask_path(Launch const& launch, std::string const& path, os::UniqueFd const& null_file,
                   os::UniqueFd& empty_folder) {
  auto const target = launch.root->open(path, O_PATH);
  if (!target) {
    // What is not there needs no mask.
    if (target.error().code == Errc::NotFound || target.error().code == Errc::Denied) return {};
    if (target.error().code == Errc::Invalid) return {};
    return std::unexpected(target.error());
  }
  struct stat status{};
  if (::fstat(target->get(), &status) != 0) return fail_errno("stat", errno);
  if (!S_ISDIR(status.st_mode)) {
    auto const tree = BH_TRY(jail::clone_tree(null_file.get(), "", jail::Bind::Mount));
    return jail::attach(tree.get(), target->get());
  }
  if (!empty_folder.valid()) {
    // One for all: it is empty and stays so.
    std::vector<std::string> const data = {"nr_inodes=1"};
    empty_folder = BH_TRY(jail::make_file_system("tmpfs", "tmpfs", data, MOUNT_ATTR_RDONLY));
    return jail::attach(empty_folder.get(), target->get());
  }
  auto const tree = BH_TRY(jail::clone_tree(empty_folder.get(), "", jail::Bind::Mount));
  return jail::attach(tree.get(), target->get());
}

/// The host's /dev/null, and no other file that may have its name.
Result<os::UniqueFd> open_null() {
  auto file = BH_TRY(os::open_at(AT_FDCWD, "/dev/null", O_PATH | O_NOFOLLOW));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail_errno("stat /dev/null", errno);
  if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3)) {
    return fail(Errc::Invalid, "/dev/null of the host is not the null device");
  }
  return file;
}

Result<> mask_paths(Launch const& launch) {
  auto const null_file = BH_TRY(open_null());
  os::UniqueFd empty_folder;
  for (auto const& path : launch.spec.os.masked_paths) {
    auto masked = mask_path(launch, path, null_file, empty_folder);
    if (!masked) return std::unexpected(std::move(masked).error().while_doing(path));
  }
  return {};
}

Result<> make_readonly(Launch const& launch, std::string const& path) {
  auto const target = launch.root->open(path, O_PATH);
  if (!target && target.error().code == Errc::NotFound) return {};
  if (!target) return std::unexpected(target.error());
  auto const tree = BH_TRY(jail::clone_tree(target->get(), "", jail::Bind::Tree));
  BH_TRY(jail::change_attributes(tree.get(), MOUNT_ATTR_RDONLY, 0, jail::Reach::Tree));
  return jail::attach(tree.get(), target->get());
}

}  // namespace

void plan_mounts(Launch& launch, Plan& plan) {
  plan.add(Phase::Populate, "put the root in place", [&launch] { return attach_root(launch); });
  auto phase = Phase::Populate;
  for (std::size_t i = 0; i < launch.spec.mounts.size(); ++i) {
    auto const& mount = launch.spec.mounts[i];
    // What comes after it may lie on top of it.
    if (mount.type.starts_with("cgroup")) phase = Phase::Complete;
    plan.add(
        phase,
        "mount " + (mount.type.empty() ? mount.source : mount.type) + " on " + mount.destination,
        [&launch, i] { return place_mount(launch, i); });
  }
}

void plan_protection(Launch& launch, Plan& plan) {
  for (auto const& path : launch.spec.os.readonly_paths) {
    plan.add(Phase::Enter, "make " + path + " read-only",
             [&launch, &path] { return make_readonly(launch, path); });
  }
  if (!launch.spec.os.masked_paths.empty()) {
    plan.add(Phase::Complete,
             "mask " + std::to_string(launch.spec.os.masked_paths.size()) + " paths",
             [&launch] { return mask_paths(launch); });
  }
}

}  // namespace bh::container
