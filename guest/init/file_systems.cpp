#include "init/file_systems.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "init/report.h"

namespace bh::init {

namespace {

struct Mount {
  char const* type;
  char const* target;
  unsigned long flags;
  char const* options;
};

constexpr unsigned long kNoPrograms = MS_NOSUID | MS_NODEV | MS_NOEXEC;

constexpr Mount kDevices{"devtmpfs", "/dev", MS_NOSUID, "mode=755"};

// In this order: a later one may lie within an earlier one. Group 5 is tty, as in every
// distribution.
constexpr std::array kMounts{
    Mount{"proc", "/proc", kNoPrograms, nullptr},
    Mount{"sysfs", "/sys", kNoPrograms, nullptr},
    Mount{"devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666"},
    Mount{"tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777"},
};
constexpr std::array kScratch{
    Mount{"tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=755"},
    Mount{"tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777"},
};

struct Link {
  char const* path;
  char const* target;
};

constexpr std::array kLinks{
    Link{"/dev/fd", "/proc/self/fd"},
    Link{"/dev/stdin", "/proc/self/fd/0"},
    Link{"/dev/stdout", "/proc/self/fd/1"},
    Link{"/dev/stderr", "/proc/self/fd/2"},
};

constexpr mode_t kFolderMode = 0755;

void mount_one(Mount const& mount) {
  if (::mkdir(mount.target, kFolderMode) != 0 && errno != EEXIST) {
    // On a read-only root the folder may be there all the same; the mount below tells.
    if (errno != EROFS) report_errno("mkdir", mount.target, errno);
  }
  if (::mount(mount.type, mount.target, mount.type, mount.flags, mount.options) == 0) return;
  // The kernel mounts /dev itself when it starts from a disk.
  if (errno != EBUSY) report_errno("mount", mount.target, errno);
}

}  // namespace

void mount_devices() {
  mount_one(kDevices);
}

void mount_file_systems(Root root) {
  for (auto const& mount : kMounts) mount_one(mount);
  if (root == Root::Initramfs) {
    for (auto const& mount : kScratch) mount_one(mount);
  }
  for (auto const& link : kLinks) {
    if (::symlink(link.target, link.path) != 0 && errno != EEXIST) {
      report_errno("symlink", link.path, errno);
    }
  }
}

}  // namespace bh::init
