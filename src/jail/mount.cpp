#include "jail/mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>

namespace bh::jail {

namespace {

/// What the file system itself said is in the descriptor, one message a read(2).
std::string complaints_of(os::UniqueFd const& context) {
  std::string all;
  char buffer[512];
  while (true) {
    ssize_t const size = ::read(context.get(), buffer, sizeof buffer);
    if (size <= 2) return all;
    // "e ", "w " or "i " comes first.
    std::string_view message(buffer + 2, static_cast<std::size_t>(size) - 2);
    while (message.ends_with('\n')) message.remove_suffix(1);
    all += (all.empty() ? " (" : "; ") + std::string(message);
  }
}

std::unexpected<Error> refused(std::string const& doing, int error, os::UniqueFd const& context) {
  std::string words = complaints_of(context);
  if (!words.empty()) words += ")";
  return fail_errno(doing + words, error);
}

Result<> configure(os::UniqueFd const& context, std::string const& option) {
  auto const equals = option.find('=');
  int result = 0;
  if (equals == option.npos) {
    result = ::fsconfig(context.get(), FSCONFIG_SET_FLAG, option.c_str(), nullptr, 0);
  } else {
    result = ::fsconfig(context.get(), FSCONFIG_SET_STRING, option.substr(0, equals).c_str(),
                        option.c_str() + equals + 1, 0);
  }
  if (result == 0) return {};
  return refused("option \"" + option + "\"", errno, context);
}

Result<> set_attributes(int mount, mount_attr attributes, Reach reach, std::string const& what) {
  unsigned const flags = AT_EMPTY_PATH | (reach == Reach::Tree ? AT_RECURSIVE : 0U);
  if (::mount_setattr(mount, "", flags, &attributes, sizeof attributes) != 0) {
    return fail_errno("mount_setattr " + what, errno);
  }
  return {};
}

}  // namespace

Result<os::UniqueFd> clone_tree(int folder, std::string const& path, Bind reach) {
  unsigned const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH |
                         (reach == Bind::Tree ? AT_RECURSIVE : 0U);
  int const fd = ::open_tree(folder, path.c_str(), flags);
  if (fd < 0) return fail_errno("open_tree " + path, errno);
  return os::UniqueFd(fd);
}

Result<os::UniqueFd> make_file_system(std::string const& type, std::string const& source,
                                      std::span<std::string const> data, std::uint64_t attributes) {
  os::UniqueFd const context(::fsopen(type.c_str(), FSOPEN_CLOEXEC));
  if (!context.valid()) return fail_errno("fsopen " + type, errno);
  if (!source.empty()) BH_TRY(configure(context, "source=" + source));
  for (auto const& option : data) BH_TRY(configure(context, option));
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return refused("make a file system of type " + type, errno, context);
  }
  int const fd = ::fsmount(context.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes));
  if (fd < 0) return refused("fsmount " + type, errno, context);
  return os::UniqueFd(fd);
}

Result<> change_attributes(int mount, std::uint64_t set, std::uint64_t clear, Reach reach) {
  if (set == 0 && clear == 0) return {};
  return set_attributes(mount, {.attr_set = set, .attr_clr = clear}, reach, "attributes");
}

Result<> change_propagation(int mount, Propagation const& propagation) {
  return set_attributes(mount, {.propagation = propagation.type},
                        propagation.recursive ? Reach::Tree : Reach::Mount, "propagation");
}

Result<> map_ids(int mount, os::UniqueFd const& user_namespace, Reach reach) {
  return set_attributes(
      mount,
      {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = static_cast<std::uint64_t>(user_namespace.get())},
      reach, "id map (does this file system support it?)");
}

Result<> attach(int mount, int target) {
  unsigned const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  if (::move_mount(mount, "", target, "", flags) != 0) return fail_errno("move_mount", errno);
  return {};
}

}  // namespace bh::jail
