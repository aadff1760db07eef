#include "machine/supervise/mounts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "image/build/overlay.h"
#include "image/build/root_path.h"
#include "image/folder_tar.h"
#include "image/layer_folder.h"
#include "image/unpacked_layer.h"
#include "os/file_lock.h"
#include "os/file_write.h"
#include "os/folder.h"
#include "os/text_file.h"

namespace bh::machine {

namespace {

/// Copies the content of the folder `from`, with its owner and mode, to the folder `to`.
Result<> copy_tree(std::string const& from, std::string const& to, std::string const& room) {
  auto tar = BH_TRY(os::open_at(AT_FDCWD, room, O_RDWR | O_TMPFILE, 0600));
  std::uint64_t size = 0;
  BH_TRY(image::tar_folder(from, {}, [&](std::span<std::byte const> bytes) {
    size += bytes.size();
    return os::write_all(tar, bytes);
  }));
  if (::lseek(tar.get(), 0, SEEK_SET) != 0) return fail_errno("seek", errno);
  auto target = BH_TRY(os::open_folder(to));
  image::LayerFolder sink(std::move(target));
  BH_TRY(image::read_layer(std::make_unique<image::FileSource>(std::move(tar)), size, sink));
  return sink.finish();
}

/// What the image has at `target`, if that is a folder.
Result<> copy_from_image(image::Store const& store, image::Image const& image,
                         std::string const& target, std::string const& to,
                         std::string const& room) {
  auto const layers = BH_TRY(image::unpacked_layers(store, image));
  auto const overlay = BH_TRY(image::build::Overlay::mount(layers, room));
  auto const root = BH_TRY(os::open_at(AT_FDCWD, overlay.root(), O_PATH | O_DIRECTORY));
  auto const folder = image::build::open_in_root(root.get(), target, O_PATH | O_DIRECTORY);
  if (!folder) return {};
  return copy_tree("/proc/self/fd/" + std::to_string(folder->get()), to, room);
}

/// The folder of a volume's files. It has its name when it is complete.
Result<std::string> volume_data(std::string const& folder, Mount const& mount,
                                image::Store const& store, image::Image const& image) {
  auto const data = folder + "/data";
  if (::access(data.c_str(), F_OK) == 0) return data;
  // Files of foreign users with set-uid bits are in there.
  BH_TRY(os::make_folders(folder, 0700));
  auto const lock = BH_TRY(os::FileLock::lock(AT_FDCWD, folder + "/lock", os::LockKind::Exclusive));
  if (::access(data.c_str(), F_OK) == 0) return data;
  auto const fresh = folder + "/new";
  BH_TRY(os::remove_tree(AT_FDCWD, fresh));
  BH_TRY(os::make_folders(fresh));
  if (::geteuid() == 0) {
    BH_TRY(copy_from_image(store, image, mount.target, fresh, folder));
  }
  if (std::rename(fresh.c_str(), data.c_str()) != 0) return fail_errno("rename " + fresh, errno);
  return data;
}

Result<> check_folder(std::string const& path, Isolation isolation) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return fail_errno("share " + path, errno);
  if (S_ISDIR(info.st_mode) || (isolation == Isolation::Container && S_ISREG(info.st_mode))) {
    return {};
  }
  return fail(Errc::Unsupported, "share " + path +
                                     ": only folders are shared with a microVM, and " +
                                     "folders and files with a container");
}

}  // namespace

Result<std::vector<Mount>> prepare_mounts(Definition const& definition, std::string const& root,
                                          image::Store const& store, image::Image const& image) {
  auto mounts = definition.mounts;
  for (auto& mount : mounts) {
    if (mount.kind == MountKind::Bind) BH_TRY(check_folder(mount.source, definition.isolation));
    if (mount.kind != MountKind::Volume) continue;
    auto data = volume_data(root + "/volumes/" + mount.source, mount, store, image);
    if (!data) {
      return std::unexpected(std::move(data).error().while_doing("volume " + mount.source));
    }
    mount.source = std::move(*data);
  }
  return mounts;
}

}  // namespace bh::machine
