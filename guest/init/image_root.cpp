#include "init/image_root.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "init/report.h"

namespace bh::init {

namespace {

constexpr char const* kImage = "/.image";
constexpr char const* kWritable = "/.writable";
constexpr char const* kRoot = "/.root";
constexpr char const* kLayers =
    "lowerdir=/.image,upperdir=/.writable/upper,workdir=/.writable/work";
constexpr mode_t kFolderMode = 0755;

bool make_folder(char const* path) {
  if (::mkdir(path, kFolderMode) == 0 || errno == EEXIST) return true;
  report_errno("mkdir", path, errno);
  return false;
}

bool mount_at(char const* source, char const* target, char const* type, unsigned long flags,
              char const* options) {
  if (::mount(source, target, type, flags, options) == 0) return true;
  report_errno("mount", target, errno);
  return false;
}

bool mount_writable(char const* device) {
  if (device == nullptr) return mount_at("tmpfs", kWritable, "tmpfs", 0, "mode=755");
  return mount_at(device, kWritable, "ext4", MS_NOATIME, nullptr);
}

}  // namespace

bool enter_image_root(char const* device, char const* writable, int& written) {
  bool const mounted =
      make_folder(kImage) && mount_at(device, kImage, "erofs", MS_RDONLY, nullptr) &&
      make_folder(kWritable) && mount_writable(writable) && make_folder("/.writable/upper") &&
      make_folder("/.writable/work") && make_folder(kRoot) &&
      mount_at("overlay", kRoot, "overlay", 0, kLayers) && make_folder("/.root/dev") &&
      mount_at("/dev", "/.root/dev", nullptr, MS_MOVE, nullptr);
  if (!mounted) return false;
  written = ::open("/.writable/upper", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (written < 0) {
    report_errno("open", "/.writable/upper", errno);
    return false;
  }
  if (::chdir(kRoot) == 0 && ::mount(".", "/", nullptr, MS_MOVE, nullptr) == 0 &&
      ::chroot(".") == 0 && ::chdir("/") == 0) {
    return true;
  }
  report_errno("enter", kRoot, errno);
  return false;
}

}  // namespace bh::init
