#include "container/launch/mount_tree.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "jail/mount.h"
#include "jail/user_namespace.h"

namespace bh::container {

namespace {

using jail::Reach;

jail::Propagation default_propagation(Launch const& launch) {
  auto const& word = launch.spec.os.rootfs_propagation;
  auto const parsed = jail::parse_propagation(word.empty() ? "rprivate" : word);
  return parsed ? *parsed : jail::Propagation{.type = MS_PRIVATE, .recursive = true};
}

Result<> map_ids(Launch const& launch, MountSpec const& mount, int tree) {
  if (mount.options.id_mapped == jail::IdMapped::No) return {};
  bool const own = !mount.id_maps.users.empty();
  if (!own && launch.spec.os.id_maps.users.empty()) {
    return fail(Errc::Invalid,
                "idmap needs uidMappings and gidMappings, of the mount or of the container");
  }
  auto const space = BH_TRY(
      jail::make_user_namespace(launch.proc.fd(), own ? mount.id_maps : launch.spec.os.id_maps));
  return jail::map_ids(
      tree, space, mount.options.id_mapped == jail::IdMapped::Tree ? Reach::Tree : Reach::Mount);
}

}  // namespace

Result<> apply_mount_options(int tree, jail::MountOptions const& options) {
  BH_TRY(jail::change_attributes(tree, options.set, options.clear, Reach::Mount));
  BH_TRY(jail::change_attributes(tree, options.set_tree, options.clear_tree, Reach::Tree));
  for (auto const& change : options.propagation) BH_TRY(jail::change_propagation(tree, change));
  return {};
}

Result<os::UniqueFd> clone_root(Launch const& launch) {
  auto tree = BH_TRY(jail::clone_tree(AT_FDCWD, launch.state.rootfs, jail::Bind::Tree));
  // Pivoting refuses shared mounts; what was asked for comes after it.
  BH_TRY(jail::change_propagation(tree.get(), {.type = MS_PRIVATE, .recursive = true}));
  return tree;
}

Result<> open_bind_source(Launch& launch, std::size_t index) {
  auto const& mount = launch.spec.mounts[index];
  std::string const source =
      mount.source.starts_with('/') ? mount.source : launch.options.bundle + "/" + mount.source;
  auto tree = BH_TRY(jail::clone_tree(AT_FDCWD, source, mount.options.bind));
  struct stat status{};
  if (::fstat(tree.get(), &status) != 0) return fail_errno("stat " + source, errno);
  BH_TRY(map_ids(launch, mount, tree.get()));
  // A mount that is to be a slave or shared keeps its peers; made private first it would lose them.
  if (mount.options.propagation.empty()) {
    BH_TRY(jail::change_propagation(tree.get(), default_propagation(launch)));
  }
  BH_TRY(apply_mount_options(tree.get(), mount.options));
  launch.mounts[index] = {.tree = std::move(tree), .folder = S_ISDIR(status.st_mode)};
  return {};
}

Result<> make_mount(Launch& launch, std::size_t index) {
  auto const& mount = launch.spec.mounts[index];
  auto data = mount.options.data;
  // Every instance of devpts is new; the option is older than that.
  if (mount.type == "devpts") std::erase(data, "newinstance");
  if (!launch.spec.os.mount_label.empty() && mount.type != "proc" && mount.type != "sysfs") {
    data.push_back("context=" + launch.spec.os.mount_label);
  }
  auto tree = BH_TRY(jail::make_file_system(mount.type, mount.source, data, mount.options.set));
  BH_TRY(jail::change_attributes(tree.get(), mount.options.set_tree, mount.options.clear_tree,
                                 Reach::Tree));
  BH_TRY(map_ids(launch, mount, tree.get()));
  for (auto const& change : mount.options.propagation) {
    BH_TRY(jail::change_propagation(tree.get(), change));
  }
  launch.mounts[index].tree = std::move(tree);
  return {};
}

namespace {

/// "cpu" and "cpuacct" for a tree of both that is called cpu,cpuacct.
Result<> link_controllers(int folder, jail::Cgroup::Folder const& group, std::string const& name) {
  if (group.controllers.size() < 2) return {};
  for (auto const& controller : group.controllers) {
    if (::symlinkat(name.c_str(), folder, controller.c_str()) != 0) {
      return fail_errno("link " + controller, errno);
    }
  }
  return {};
}

std::string folder_name(jail::Cgroup::Folder const& group) {
  if (group.unified) return "unified";
  std::string name;
  for (auto const& controller : group.controllers) {
    std::string_view plain = controller;
    if (plain.starts_with("name=")) plain.remove_prefix(5);
    name += (name.empty() ? "" : ",") + std::string(plain);
  }
  return name;
}

Result<os::UniqueFd> group_tree(jail::Cgroup::Folder const& group, MountSpec const& mount) {
  auto tree = BH_TRY(jail::clone_tree(AT_FDCWD, group.path, jail::Bind::Mount));
  BH_TRY(jail::change_propagation(tree.get(), {.type = MS_PRIVATE, .recursive = true}));
  BH_TRY(apply_mount_options(tree.get(), mount.options));
  return tree;
}

}  // namespace

namespace {

/// A container without a group of its own is in those of its caller.
Result<std::vector<jail::Cgroup::Folder>> groups_of(Launch const& launch) {
  if (launch.cgroup && !launch.cgroup->folders().empty()) return launch.cgroup->folders();
  auto const mounts = BH_TRY(launch.proc.read("self/mountinfo"));
  auto const own = BH_TRY(launch.proc.read("self/cgroup"));
  auto group = jail::Cgroup::none();
  for (auto const& hierarchy : jail::parse_hierarchies(mounts, own).all) {
    group.found(hierarchy, hierarchy.own_path);
  }
  return group.folders();
}

}  // namespace

Result<> mount_cgroups(Launch& launch, MountSpec const& mount, int target) {
  auto const groups = BH_TRY(groups_of(launch));
  if (groups.size() == 1 && groups[0].unified) {
    auto const tree = BH_TRY(group_tree(groups[0], mount));
    return jail::attach(tree.get(), target);
  }
  std::vector<std::string> const data = {"mode=755"};
  auto const top = BH_TRY(jail::make_file_system(
      "tmpfs", "cgroup", data, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
  BH_TRY(jail::attach(top.get(), target));
  for (auto const& group : groups) {
    std::string const name = folder_name(group);
    if (::mkdirat(top.get(), name.c_str(), 0755) != 0) return fail_errno("mkdir " + name, errno);
    BH_TRY(link_controllers(top.get(), group, name));
    os::UniqueFd const place(::openat(top.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!place.valid()) return fail_errno("open " + name, errno);
    auto const tree = BH_TRY(group_tree(group, mount));
    BH_TRY(jail::attach(tree.get(), place.get()));
  }
  return apply_mount_options(top.get(), mount.options);
}

}  // namespace bh::container
