#include "os/user_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "os/child_task.h"
#include "os/descriptor.h"
#include "os/folder.h"
#include "os/text_file.h"

namespace bh::os {

namespace {

/// A setting of the host that forbids users their own namespaces, and how to change it.
std::string forbidden_by() {
  constexpr std::size_t kLimit = 64;
  struct Setting {
    char const* path;
    char forbids;
    char const* remedy;
  };
  constexpr Setting kSettings[] = {
      {"/proc/sys/user/max_user_namespaces", '0', "user.max_user_namespaces=15000"},
      {"/proc/sys/kernel/unprivileged_userns_clone", '0', "kernel.unprivileged_userns_clone=1"},
      {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1',
       "kernel.apparmor_restrict_unprivileged_userns=0"},
  };
  for (auto const& setting : kSettings) {
    auto const text = read_text_at(AT_FDCWD, setting.path, kLimit);
    if (text && text->size() == 2 && text->front() == setting.forbids) {
      return std::string(" (root can allow it: sysctl -w ") + setting.remedy +
             "; or use sudo, or --isolation microvm)";
    }
  }
  return " (use sudo, or --isolation microvm)";
}

std::unexpected<Error> forbidden(Error error) {
  error.message += forbidden_by();
  return std::unexpected(std::move(error).while_doing(
      "containers without root need a user namespace, and this host gives none"));
}

/// The maps of a process are written from outside, as newuidmap(1) wants it.
Result<> write_maps_of(pid_t pid, UniqueFd const& unshared, IdMaps const& maps) {
  auto const word = BH_TRY(read_text(unshared, 1));
  // Who has not come so far says why itself.
  if (word.empty()) return {};
  auto const proc = BH_TRY(open_folder("/proc"));
  return write_id_maps(proc.get(), pid, maps);
}

}  // namespace

Result<> enter_user_namespace(OwnIds const& ids) {
  auto [unshared, say_unshared] = BH_TRY(make_pipe());
  pid_t const self = ::getpid();
  auto helper = BH_TRY(ChildTask::start([&] {
    say_unshared.reset();
    return write_maps_of(self, unshared, ids.maps);
  }));
  unshared.reset();
  Result<> entered;
  // Some hosts give a user namespace whose root may do nothing: with mounts of its own one sees.
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
    entered = forbidden(fail_errno("unshare", errno).error());
  } else {
    entered = write_text(say_unshared, "g");
  }
  say_unshared.reset();
  auto mapped = helper.wait();
  BH_TRY(std::move(entered));
  if (!mapped) return std::unexpected(std::move(mapped).error().while_doing("map user ids"));
  return {};
}

Result<> as_own_root(std::function<Result<>()> const& action) {
  auto const ids = BH_TRY(own_ids());
  return in_child([&]() -> Result<> {
    BH_TRY(enter_user_namespace(ids));
    return action();
  });
}

Result<> remove_foreign_tree(int folder, std::string const& path) {
  auto removed = remove_tree(folder, path);
  if (removed || removed.error().code != Errc::Denied || ::geteuid() == 0) return removed;
  return as_own_root([&] { return remove_tree(folder, path); });
}

}  // namespace bh::os
