#include "image/importer.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "image/added_layer.h"
#include "image/adding.h"
#include "image/blob_writer.h"
#include "image/folder_tar.h"
#include "image/image.h"
#include "image/limits.h"

namespace bh::image {

namespace {

Result<std::string_view> type_of(Store const& store, Digest const& digest) {
  auto const blob = BH_TRY(store.open_blob(digest));
  std::array<unsigned char, 2> start{};
  if (::pread(blob.get(), start.data(), start.size(), 0) < 0) return fail_errno("read", errno);
  if (start[0] == 0x1f) return kOciLayerGzip;
  if (start[0] == 0x28) return kOciLayerZstd;
  return kOciLayer;
}

Result<NamedImage> add_layer_image(Store const& store, Descriptor layer, ImageConfig config,
                                   std::string const& name) {
  auto content = BH_TRY(inspect_layer(store, layer));
  if (content.entries == 0) return fail(Errc::Invalid, "there are no files in it");
  layer.media_type = BH_TRY(type_of(store, layer.digest));
  config.diff_ids = {std::move(content.diff_id)};
  if (config.created.empty()) config.created = creation_time();
  if (config.platform.architecture.empty()) config.platform = Platform::host();
  config.history.push_back({.created = config.created,
                            .created_by = "bulkhead image import",
                            .comment = {},
                            .empty_layer = false});
  return add_image(store, name, config, {std::move(layer)});
}

}  // namespace

std::string creation_time() {
  std::time_t now = std::time(nullptr);
  if (auto const* const epoch = std::getenv("SOURCE_DATE_EPOCH")) now = std::atoll(epoch);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  auto const size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), size};
}

Result<NamedImage> import_tar(Store const& store, std::unique_ptr<ByteSource> tar,
                              ImageConfig config, std::string const& name) {
  auto const adding = BH_TRY(store.begin_adding());
  auto writer = BH_TRY(BlobWriter::create(store));
  std::vector<std::byte> buffer(std::size_t{1} << 20);
  while (true) {
    auto const count = BH_TRY(tar->read(buffer));
    if (count == 0) break;
    if (writer.size() + count > kLargestBlob) {
      return fail(Errc::Denied, "the tar is larger than " + size_text(kLargestBlob));
    }
    BH_TRY(writer.write(std::span(buffer).first(count)));
  }
  auto layer = BH_TRY(keep_layer(writer));
  return add_layer_image(store, std::move(layer), std::move(config), name);
}

Result<NamedImage> import_folder(Store const& store, std::string const& folder, Owners owners,
                                 ImageConfig config, std::string const& name) {
  auto const adding = BH_TRY(store.begin_adding());
  auto writer = BH_TRY(BlobWriter::create(store));
  BH_TRY(tar_folder(folder, {.owners = owners},
                    [&](std::span<std::byte const> bytes) { return writer.write(bytes); }));
  auto layer = BH_TRY(keep_layer(writer));
  return add_layer_image(store, std::move(layer), std::move(config), name);
}

}  // namespace bh::image
