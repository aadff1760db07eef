#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ranges>
#include <string_view>
#include <vector>

#include "container/launch/launch.h"
#include "container/launch/program.h"
#include "container/spec/sysctl.h"
#include "jail/mount.h"

namespace bh::container {

void plan_protection(Launch& launch, Plan& plan);

namespace {

Result<> pivot(Launch& launch) {
  // The root lies on top of the host's; both change places, and the host's is then below it.
  if (::fchdir(launch.root->fd()) != 0) return fail_errno("enter the root", errno);
  if (::syscall(SYS_pivot_root, ".", ".") != 0) {
    return fail_errno("pivot_root (where the host's root is an initramfs, use --no-pivot)", errno);
  }
  if (::umount2(".", MNT_DETACH) != 0) return fail_errno("unmount the host's root", errno);
  if (::chdir("/") != 0) return fail_errno("chdir /", errno);
  return {};
}

/// Where the host's root is the first mount of all, an initramfs, it cannot change places. It stays
/// below then, without anything mounted on it, and who may call chroot(2) inside can get there.
Result<> enter_without_pivot(Launch& launch) {
  auto const mounts = BH_TRY(launch.proc.read("self/mountinfo"));
  std::vector<std::string> places;
  for (std::string_view rest = mounts; !rest.empty();) {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    // proc(5): the fifth field. What has blanks in it is written otherwise, and stays.
    for (int i = 0; i < 4; ++i) line.remove_prefix(std::min(line.find(' ') + 1, line.size()));
    std::string place(line.substr(0, line.find(' ')));
    if (place != "/") places.push_back(std::move(place));
  }
  // Paths lead to the host's mounts, since our own root is not changed yet; those of the container
  // are not found there.
  for (auto const& place : places | std::views::reverse) ::umount2(place.c_str(), MNT_DETACH);
  if (::fchdir(launch.root->fd()) != 0 || ::chroot(".") != 0 || ::chdir("/") != 0) {
    return fail_errno("chroot", errno);
  }
  return {};
}

Result<> set_root_propagation(Launch const& launch) {
  auto const change = BH_TRY(jail::parse_propagation(launch.spec.os.rootfs_propagation));
  return jail::change_propagation(launch.root->fd(), change);
}

Result<> set_names(Launch const& launch) {
  auto const& spec = launch.spec;
  if (!spec.hostname.empty() && ::sethostname(spec.hostname.data(), spec.hostname.size()) != 0) {
    return fail_errno("sethostname " + spec.hostname, errno);
  }
  if (!spec.domainname.empty() &&
      ::setdomainname(spec.domainname.data(), spec.domainname.size()) != 0) {
    return fail_errno("setdomainname " + spec.domainname, errno);
  }
  return {};
}

/// A namespace that was made together with the process would have the control group of before.
Result<> new_cgroup_namespace() {
  if (::unshare(CLONE_NEWCGROUP) != 0) return fail_errno("unshare CLONE_NEWCGROUP", errno);
  return {};
}

Result<> new_time_namespace(Launch const& launch) {
  if (::unshare(CLONE_NEWTIME) != 0) return fail_errno("unshare CLONE_NEWTIME", errno);
  std::string text;
  for (auto const& [clock, offset] : launch.spec.os.time_offsets) {
    text += clock + " " + std::to_string(offset.seconds) + " " +
            std::to_string(offset.nanoseconds) + "\n";
  }
  if (!text.empty()) BH_TRY(launch.proc.write("self/timens_offsets", text));
  // So far only children would be in it.
  os::UniqueFd const fresh(
      ::openat(launch.proc.fd(), "self/ns/time_for_children", O_RDONLY | O_CLOEXEC));
  if (!fresh.valid() || ::setns(fresh.get(), CLONE_NEWTIME) != 0) {
    return fail_errno("enter the new time namespace", errno);
  }
  return {};
}

Result<> find_program(Launch& launch) {
  auto const& process = *launch.spec.process;
  BH_TRY(launch.root->make_folder(process.cwd));
  launch.program = BH_TRY(program_path(*launch.root, process));
  return {};
}

}  // namespace

void plan_namespaces_inside(Launch& launch, Plan& plan) {
  auto const& spec = launch.spec;
  if (spec.os.makes(CLONE_NEWTIME)) {
    plan.add(Phase::Enter, "make the time namespace",
             [&launch] { return new_time_namespace(launch); });
  }
  if (spec.os.makes(CLONE_NEWCGROUP)) {
    plan.add(Phase::Complete, "make the cgroup namespace", [] { return new_cgroup_namespace(); });
  }
}

void plan_entry(Launch& launch, Plan& plan) {
  auto const& spec = launch.spec;
  if (launch.options.pivot) {
    plan.add(Phase::Enter, "pivot to the root", [&launch] { return pivot(launch); });
  } else {
    plan.add(Phase::Enter, "enter the root without pivoting to it",
             [&launch] { return enter_without_pivot(launch); });
  }
  if (!spec.os.rootfs_propagation.empty()) {
    plan.add(Phase::Enter, "make the root " + spec.os.rootfs_propagation,
             [&launch] { return set_root_propagation(launch); });
  }
  for (auto const& [name, value] : spec.os.sysctl) {
    plan.add(Phase::Enter, "set " + name + " to " + value,
             [&launch, &name, &value] { return launch.proc.write(sysctl_path(name), value); });
  }
  if (!spec.hostname.empty() || !spec.domainname.empty()) {
    plan.add(Phase::Enter, "set the host name", [&launch] { return set_names(launch); });
  }
  if (spec.process) {
    plan.add(Phase::Enter, "find " + spec.process->arguments[0],
             [&launch] { return find_program(launch); });
  }
  plan_protection(launch, plan);
  if (spec.root_readonly) {
    plan.add(Phase::Enter, "make the root read-only", [&launch] {
      return jail::change_attributes(launch.root->fd(), MOUNT_ATTR_RDONLY, 0, jail::Reach::Mount);
    });
  }
}

}  // namespace bh::container
