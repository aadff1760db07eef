#include "image/build/overlay.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "os/folder.h"
#include "os/id_map.h"
#include "os/text_file.h"

namespace bh::image::build {

namespace {

// mount(2) takes a page of options.
constexpr std::size_t kLongestOptions = 4095;

}  // namespace

Result<> Overlay::separate_mounts() {
  if (::unshare(CLONE_NEWNS) != 0) return fail_errno("have mounts of our own", errno);
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return fail_errno("make mounts private", errno);
  }
  return {};
}

Result<Overlay> Overlay::mount(std::span<std::string const> lower, std::string const& work_folder) {
  BH_TRY(os::make_folders(work_folder));
  auto made = BH_TRY(os::TemporaryFolder::create_in(work_folder, "step"));
  auto overlay = BH_TRY(mount_at(lower, made.path()));
  overlay.temporary_ = std::make_unique<os::TemporaryFolder>(std::move(made));
  return overlay;
}

Result<Overlay> Overlay::mount_kept(std::span<std::string const> lower, std::string const& folder) {
  return mount_at(lower, folder);
}

Result<Overlay> Overlay::mount_at(std::span<std::string const> lower, std::string folder) {
  Overlay overlay(std::move(folder));
  for (auto const* const name : {"/root", "/upper", "/work", "/none"}) {
    BH_TRY(os::make_folders(overlay.folder() + name));
  }
  // Layers' own paths are too long for many of them, and links would stay behind if we are killed.
  std::vector<os::UniqueFd> folders;
  std::string lowers;
  for (auto const& layer : lower) {
    auto layer_folder = BH_TRY(os::open_at(AT_FDCWD, layer, O_PATH | O_DIRECTORY));
    auto const link = "/proc/self/fd/" + std::to_string(layer_folder.get());
    folders.push_back(std::move(layer_folder));
    lowers = link + (lowers.empty() ? "" : ":" + lowers);
  }
  if (lowers.empty()) lowers = overlay.folder() + "/none";
  auto const maps = BH_TRY(os::own_id_maps());
  // Linux Documentation/filesystems/overlayfs.rst: in a user namespace its marks are attributes
  // that users may set, and both features are off.
  std::string const kind = os::are_mapped(maps) ? "userxattr" : "redirect_dir=off,metacopy=off";
  auto const options = "lowerdir=" + lowers + ",upperdir=" + overlay.upper() +
                       ",workdir=" + overlay.folder() + "/work," + kind;
  if (options.size() > kLongestOptions) {
    return fail(Errc::Unsupported,
                "an image of " + std::to_string(lower.size()) + " layers as a base to build on");
  }
  if (::mount("overlay", overlay.root().c_str(), "overlay", 0, options.c_str()) != 0) {
    int const error = errno;
    if (os::are_mapped(maps) && error == EPERM) {
      return fail(Errc::Unsupported, "mount layers at " + overlay.root() +
                                         ": Linux before 5.11 lets only root do that (use sudo, or "
                                         "--isolation microvm)");
    }
    return fail_errno("mount layers at " + overlay.root(), error);
  }
  return overlay;
}

Overlay::~Overlay() {
  if (!folder_.empty()) ::umount2(root().c_str(), MNT_DETACH);
}

}  // namespace bh::image::build
