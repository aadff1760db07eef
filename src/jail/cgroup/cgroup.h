#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "jail/cgroup/hierarchy.h"
#include "jail/cgroup/resources.h"
#include "jail/cgroup/settings.h"
#include "os/unique_fd.h"

namespace bh::jail {

/// The control group of one container: a folder in each tree that is used.
class Cgroup {
 public:
  struct Folder {
    bool unified = false;
    std::vector<std::string> controllers;  // v1.
    std::string path;                      // Of the folder, "/sys/fs/cgroup/memory/box".
  };

  enum class Missing { Fail, Skip };

  /// A group without any folder yet.
  static Cgroup none() { return Cgroup({}); }
  /// Makes its folder in one more tree. `path` is below the mount point. With Missing::Skip, a tree
  /// we may not write to is left out (without root). Errc::Exists if processes live there.
  Result<> add(CgroupHierarchy const& hierarchy, std::string const& path, Missing denied);
  /// Of a container that was made before.
  static Cgroup existing(std::vector<Folder> folders) { return Cgroup(std::move(folders)); }

  /// Makes a group within this one, in one tree: enough to find and kill what is in it.
  Result<Cgroup> make_inner(std::string const& name) const;

  /// Takes note of the folder that another process has made, if it has.
  void found(CgroupHierarchy const& hierarchy, std::string const& path);

  std::vector<Folder> const& folders() const { return folders_; }
  Folder const* unified() const;
  Folder const* legacy(std::string_view controller) const;
  /// The folder that has the controller: its v1 folder, or that of cgroup v2.
  Folder const* with(std::string_view controller) const;

  /// Sets limits, each in the tree that has its controller.
  Result<> apply(Resources const& resources) const;
  /// What a process writes "0" to, to move itself in: with one thread that takes no lock of the
  /// whole system, which moving another process would.
  Result<std::vector<os::UniqueFd>> entrances() const;
  Result<> enter(pid_t pid) const;

  Result<std::vector<pid_t>> processes() const;
  /// Sends SIGKILL to all, frozen or not.
  Result<> kill_all() const;
  Result<> freeze() const;
  Result<> thaw() const;
  bool frozen() const;
  /// How often the kernel's OOM killer has ended a process of the group.
  std::uint64_t oom_kills() const;
  /// A file that is ready (POLLPRI) when that number has changed; invalid where there is none (v1).
  os::UniqueFd oom_events() const;

  /// Removes the folders and those below; processes on their way out are waited for.
  Result<> remove() const;

 private:
  explicit Cgroup(std::vector<Folder> folders) : folders_(std::move(folders)) {}

  Result<> write(CgroupSetting const& setting) const;
  Result<> write_legacy(Resources const& resources) const;
  Result<> write_unified(Resources const& resources) const;
  Result<> check_before(MemoryLimits const& memory) const;
  Folder const* freezer() const;

  std::vector<Folder> folders_;
};

}  // namespace bh::jail
