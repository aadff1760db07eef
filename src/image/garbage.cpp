#include "image/garbage.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <set>
#include <string>
#include <utility>

#include "image/adding.h"
#include "image/build/cache.h"
#include "image/config.h"
#include "image/image.h"
#include "image/names.h"
#include "os/folder.h"
#include "os/user_namespace.h"

namespace bh::image {

namespace {

/// Names of files to keep, by folder.
struct Marks {
  std::set<std::string> blobs;
  std::set<std::string> layers;
  std::set<std::string> disks;
};

Result<Marks> mark(Store const& store) {
  Marks marks;
  auto const names = BH_TRY(read_names(store));
  for (auto const& name : names) {
    marks.blobs.insert(name.manifest.digest.hex());
    auto const image = load_image(store, name);
    // What cannot be read has nothing else that could be found.
    if (!image) continue;
    marks.blobs.insert(image->manifest.config.digest.hex());
    for (auto const& layer : image->manifest.layers) marks.blobs.insert(layer.digest.hex());
    for (auto const& id : image->config.diff_ids) marks.layers.insert(id.hex());
    marks.disks.insert(chain_id(image->config.diff_ids).hex());
  }
  for (auto const& step : build::cached_layers(store)) {
    marks.blobs.insert(step.layer.digest.hex());
    marks.layers.insert(step.diff_id.hex());
  }
  return marks;
}

std::uint64_t size_of(int folder, std::string const& path) {
  struct stat info{};
  if (::fstatat(folder, path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return 0;
  return S_ISREG(info.st_mode) ? static_cast<std::uint64_t>(info.st_size) : 0;
}

/// Somebody who adds may have made it, or found it there.
bool is_wanted(int folder, std::string const& path, InUse const& use) {
  struct stat info{};
  if (!use.since || ::fstatat(folder, path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return false;
  return std::pair(info.st_mtim.tv_sec, info.st_mtim.tv_nsec) >=
         std::pair(use.since->tv_sec, use.since->tv_nsec);
}

/// What builds remember, and what is left of those that were killed.
Result<> forget_builds(Store const& store, InUse const& use) {
  auto const names = BH_TRY(os::names_in(store.fd(), kBuildFolder));
  for (auto const& name : names) {
    // Folders with other names are those of throw-away containers.
    bool const remembered = Digest::parse_hex(name).has_value();
    if (remembered ? use.since.has_value() : use.anybody) continue;
    BH_TRY(os::remove_foreign_tree(store.fd(), std::string(kBuildFolder) + "/" + name));
  }
  if (use.since) return {};
  return os::remove_foreign_tree(store.fd(), build::kCachesFolder);
}

/// Files of `folder` are kept when their name up to the first dot is marked, or in use.
Result<> sweep(Store const& store, std::string const& folder, std::set<std::string> const& marked,
               InUse const& use, std::size_t& count, Swept& swept) {
  auto const names = BH_TRY(os::names_in(store.fd(), folder));
  for (auto const& name : names) {
    auto const digits = name.substr(0, name.find('.'));
    if (marked.contains(digits) || use.kept.contains(digits)) continue;
    auto const path = folder + "/" + name;
    if (is_wanted(store.fd(), path, use)) continue;
    auto const size = size_of(store.fd(), path);
    BH_TRY(os::remove_foreign_tree(store.fd(), path));
    swept.bytes += size;
    ++count;
  }
  return {};
}

}  // namespace

Result<Swept> collect_garbage(Store const& store, os::FileLock const& collecting,
                              Downloads downloads) {
  Swept swept;
  // Before the marks: who is done meanwhile has given a name, or is known still.
  auto const use = BH_TRY(in_use(store, collecting));
  // What runs needs layers and disks.
  InUse const adding{.since = use.since, .kept = {}, .anybody = use.anybody};
  if (downloads == Downloads::Remove) BH_TRY(forget_builds(store, use));
  auto const marks = BH_TRY(mark(store));
  // Of builds that were killed.
  if (!use.since) BH_TRY(os::remove_foreign_tree(store.fd(), std::string(kBuildFolder) + ".work"));
  BH_TRY(sweep(store, kBlobsFolder, marks.blobs, adding, swept.blobs, swept));
  BH_TRY(sweep(store, kLayersFolder, marks.layers, use, swept.layers, swept));
  BH_TRY(sweep(store, kDisksFolder, marks.disks, use, swept.disks, swept));
  if (downloads == Downloads::Remove) {
    BH_TRY(sweep(store, kPartialFolder, {}, adding, swept.blobs, swept));
  }
  return swept;
}

void tidy(Store const& store) {
  auto const collecting = store.begin_collecting();
  if (collecting) (void)collect_garbage(store, *collecting, Downloads::Keep);
}

}  // namespace bh::image
