#include "image/unpacked_layer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "image/byte_source.h"
#include "image/layer_folder.h"
#include "os/folder.h"
#include "os/id_map.h"
#include "os/text_file.h"

namespace bh::image {

namespace {

constexpr char kRoot[] = "/fs";

Result<> unpack(Store const& store, Descriptor const& layer, Digest const& diff_id,
                std::string const& folder) {
  auto blob = BH_TRY(store.open_blob(layer.digest));
  auto target = BH_TRY(os::open_at(store.fd(), folder, O_RDONLY | O_DIRECTORY));
  LayerFolder sink(std::move(target));
  auto const digest =
      BH_TRY(read_layer(std::make_unique<FileSource>(std::move(blob)), layer.size, sink));
  BH_TRY(sink.finish());
  if (digest != diff_id) {
    return fail(Errc::Corrupt, "its tar has the digest " + digest.text() +
                                   ", the image's config says " + diff_id.text());
  }
  return {};
}

/// What follows a layer's name in a user namespace: its files have other owners on the disk.
Result<std::string> owners_mark() {
  if (::geteuid() != 0) return std::string();
  auto const maps = BH_TRY(os::own_id_maps());
  if (!os::are_mapped(maps)) return std::string();
  constexpr std::size_t kDigits = 8;
  auto const text = os::id_map_text(maps.users) + os::id_map_text(maps.groups);
  return ".ids-" + Digest::of(text).hex().substr(0, kDigits);
}

Result<> make_folder(Store const& store, std::string const& path) {
  if (::mkdirat(store.fd(), path.c_str(), 0755) != 0) return fail_errno("make " + path, errno);
  return {};
}

}  // namespace

Result<std::string> unpacked_layer(Store const& store, Descriptor const& layer,
                                   Digest const& diff_id) {
  auto const mark = BH_TRY(owners_mark());
  auto const name = std::string(kLayersFolder) + "/" + diff_id.hex() + mark;
  auto const done = store.path() + "/" + name + kRoot;
  if (store.claim(name)) return done;
  auto const lock = BH_TRY(os::FileLock::lock(store.fd(), name + ".lock", os::LockKind::Exclusive));
  if (store.claim(name)) {
    lock.remove(store.fd(), name + ".lock");
    return done;
  }

  auto const fresh = name + ".new";
  BH_TRY(os::remove_tree(store.fd(), fresh));
  BH_TRY(make_folder(store, fresh));
  BH_TRY(make_folder(store, fresh + kRoot));
  auto unpacked = unpack(store, layer, diff_id, fresh + kRoot);
  if (!unpacked) {
    (void)os::remove_tree(store.fd(), fresh);
    lock.remove(store.fd(), name + ".lock");
    return std::unexpected(
        std::move(unpacked).error().while_doing("unpack layer " + layer.digest.short_hex()));
  }
  // What has the final name must be whole, also after a crash.
  auto const folder = BH_TRY(os::open_at(store.fd(), fresh, O_RDONLY | O_DIRECTORY));
  if (::syncfs(folder.get()) != 0) return fail_errno("sync " + fresh, errno);
  if (::renameat(store.fd(), fresh.c_str(), store.fd(), name.c_str()) != 0) {
    return fail_errno("rename " + fresh, errno);
  }
  lock.remove(store.fd(), name + ".lock");
  return done;
}

Result<std::vector<std::string>> unpacked_layers(Store const& store, Image const& image) {
  std::vector<std::string> folders;
  for (std::size_t i = 0; i < image.manifest.layers.size(); ++i) {
    auto folder =
        BH_TRY(unpacked_layer(store, image.manifest.layers[i], image.config.diff_ids.at(i)));
    folders.push_back(std::move(folder));
  }
  return folders;
}

}  // namespace bh::image
