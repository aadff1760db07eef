#include "image/disk_image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "image/erofs_content.h"
#include "image/erofs_writer.h"
#include "image/file_tree.h"
#include "image/layer_reader.h"
#include "os/text_file.h"

namespace bh::image {

namespace {

/// Takes layers into a tree and its contents.
class DiskSink final : public LayerSink {
 public:
  DiskSink(FileTree& tree, erofs::ContentArea& area) : tree_(tree), area_(area) {}

  Result<> take(Entry const& entry, Content& content) override {
    auto const inode = BH_TRY(tree_.take(entry));
    if (inode == FileTree::kNone) return {};
    auto const place = BH_TRY(area_.add(entry, content));
    tree_.set_content(inode, place);
    return {};
  }

 private:
  FileTree& tree_;
  erofs::ContentArea& area_;
};

std::array<std::uint8_t, 16> uuid_of(Digest const& chain) {
  std::array<std::uint8_t, 16> uuid{};
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    uuid[i] = static_cast<std::uint8_t>(std::stoul(chain.hex().substr(2 * i, 2), nullptr, 16));
  }
  // RFC 9562: version 8, of the maker's own making.
  uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0f) | 0x80);
  uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3f) | 0x80);
  return uuid;
}

Result<> add_layer(Store const& store, Descriptor const& layer, Digest const& diff_id,
                   LayerSink& sink) {
  auto blob = BH_TRY(store.open_blob(layer.digest));
  auto const digest =
      BH_TRY(read_layer(std::make_unique<FileSource>(std::move(blob)), layer.size, sink));
  if (digest == diff_id) return {};
  return fail(Errc::Corrupt, "its tar has the digest " + digest.text() +
                                 ", the image's config says " + diff_id.text());
}

}  // namespace

Result<> write_disk_image(Store const& store, std::span<Descriptor const> layers,
                          std::span<Digest const> diff_ids, os::UniqueFd out) {
  auto area = BH_TRY(erofs::ContentArea::create(std::move(out)));
  FileTree tree;
  DiskSink sink(tree, area);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    tree.begin_layer();
    auto added = add_layer(store, layers[i], diff_ids[i], sink);
    if (!added) {
      return std::unexpected(
          std::move(added).error().while_doing("read layer " + layers[i].digest.short_hex()));
    }
  }
  auto const chain = chain_id({diff_ids.begin(), diff_ids.end()});
  BH_TRY(erofs::write_metadata(tree, area, uuid_of(chain)));
  if (::fdatasync(area.image().get()) != 0) return fail_errno("sync the disk image", errno);
  return {};
}

Result<std::string> disk_image(Store const& store, Image const& image) {
  return disk_image(store, image.manifest.layers, image.config.diff_ids);
}

Result<std::string> disk_image(Store const& store, std::span<Descriptor const> layers,
                               std::vector<Digest> const& diff_ids) {
  auto const name = std::string(kDisksFolder) + "/" + chain_id(diff_ids).hex();
  auto const file = name + ".erofs";
  auto const path = store.path() + "/" + file;
  if (store.claim(file)) return path;
  auto const lock = BH_TRY(os::FileLock::lock(store.fd(), name + ".lock", os::LockKind::Exclusive));
  if (store.claim(file)) {
    lock.remove(store.fd(), name + ".lock");
    return path;
  }

  auto const fresh = name + ".new";
  auto out = BH_TRY(os::open_at(store.fd(), fresh, O_RDWR | O_CREAT | O_TRUNC, 0644));
  auto const written = write_disk_image(store, layers, diff_ids, std::move(out));
  if (!written) ::unlinkat(store.fd(), fresh.c_str(), 0);
  bool const renamed =
      written && ::renameat(store.fd(), fresh.c_str(), store.fd(), file.c_str()) == 0;
  int const number = errno;
  lock.remove(store.fd(), name + ".lock");
  if (!written) return std::unexpected(written.error());
  if (!renamed) return fail_errno("rename " + fresh, number);
  return path;
}

}  // namespace bh::image
