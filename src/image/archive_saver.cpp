#include "image/archive_saver.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <cerrno>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "image/byte_source.h"
#include "image/json.h"
#include "image/limits.h"
#include "os/file_write.h"
#include "os/folder.h"
#include "os/text_file.h"

namespace bh::image {

namespace {

constexpr char kLayout[] = R"({"imageLayoutVersion":"1.0.0"})";
constexpr std::size_t kChunk = std::size_t{1} << 20;

Index index_of(std::span<Image const> images) {
  Index index{.media_type = std::string(kOciIndex), .manifests = {}};
  for (auto const& image : images) {
    auto line = image.entry.manifest;
    if (!image.entry.name.empty()) {
      line.annotations["io.containerd.image.name"] = image.entry.name;
      line.annotations["org.opencontainers.image.ref.name"] = image.entry.name;
    }
    index.manifests.push_back(std::move(line));
  }
  return index;
}

std::string docker_list(std::span<Image const> images) {
  // One line an image, with all its names.
  std::map<Digest, std::vector<Image const*>> by_digest;
  for (auto const& image : images) by_digest[image.entry.manifest.digest].push_back(&image);
  boost::json::array list;
  for (auto const& [digest, same] : by_digest) {
    boost::json::array names;
    for (auto const* const image : same) {
      auto const reference = Reference::parse(image->entry.name);
      if (reference) names.push_back(boost::json::value(reference->familiar()));
    }
    boost::json::array layers;
    for (auto const& layer : same[0]->manifest.layers) {
      layers.push_back(boost::json::value(blob_name(layer.digest)));
    }
    list.push_back({{"Config", blob_name(same[0]->manifest.config.digest)},
                    {"RepoTags", std::move(names)},
                    {"Layers", std::move(layers)}});
  }
  return boost::json::serialize(list);
}

std::set<Digest> blobs_of(std::span<Image const> images) {
  std::set<Digest> blobs;
  for (auto const& image : images) {
    blobs.insert(image.entry.manifest.digest);
    blobs.insert(image.manifest.config.digest);
    for (auto const& layer : image.manifest.layers) blobs.insert(layer.digest);
  }
  return blobs;
}

/// A tar being written.
class TarWriter {
 public:
  explicit TarWriter(os::UniqueFd const& out) : out_(::archive_write_new()) {
    ::archive_write_set_format_pax_restricted(out_.get());
    ::archive_write_set_bytes_in_last_block(out_.get(), 1);
    opened_ = ::archive_write_open_fd(out_.get(), out.get()) == ARCHIVE_OK;
  }

  Result<> add(std::string const& path, std::uint64_t size, ByteSource& content) {
    if (!opened_) return failure();
    std::unique_ptr<archive_entry, FreeEntry> const entry(::archive_entry_new());
    ::archive_entry_set_pathname(entry.get(), path.c_str());
    ::archive_entry_set_filetype(entry.get(), AE_IFREG);
    ::archive_entry_set_perm(entry.get(), 0644);
    ::archive_entry_set_mtime(entry.get(), 0, 0);
    ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
    if (::archive_write_header(out_.get(), entry.get()) != ARCHIVE_OK) return failure();
    std::vector<std::byte> buffer(kChunk);
    while (true) {
      auto const count = BH_TRY(content.read(buffer));
      if (count == 0) return {};
      if (::archive_write_data(out_.get(), buffer.data(), count) !=
          static_cast<la_ssize_t>(count)) {
        return failure();
      }
    }
  }

  Result<> add_text(std::string const& path, std::string_view text) {
    MemorySource source(std::as_bytes(std::span(text)));
    return add(path, text.size(), source);
  }

  Result<> finish() {
    if (::archive_write_close(out_.get()) != ARCHIVE_OK) return failure();
    return {};
  }

 private:
  struct FreeArchive {
    void operator()(archive* archive) const { ::archive_write_free(archive); }
  };
  struct FreeEntry {
    void operator()(archive_entry* entry) const { ::archive_entry_free(entry); }
  };

  std::unexpected<Error> failure() {
    char const* const words = ::archive_error_string(out_.get());
    return fail(Errc::Io, std::string("write the archive: ") + (words != nullptr ? words : "?"));
  }

  std::unique_ptr<archive, FreeArchive> out_;
  bool opened_ = false;
};

Result<> copy_blob(Store const& store, Digest const& digest, int folder) {
  auto source = BH_TRY(store.open_blob(digest));
  auto const name = blob_name(digest);
  auto const to = BH_TRY(os::open_at(folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  FileSource bytes(std::move(source));
  std::vector<std::byte> buffer(kChunk);
  while (true) {
    auto const count = BH_TRY(bytes.read(buffer));
    if (count == 0) return {};
    BH_TRY(os::write_all(to, std::span(buffer).first(count)));
  }
}

}  // namespace

Result<> save_archive(Store const& store, std::span<Image const> images, os::UniqueFd const& out) {
  TarWriter tar(out);
  BH_TRY(tar.add_text("oci-layout", kLayout));
  BH_TRY(tar.add_text(kIndexFile, index_text(index_of(images))));
  BH_TRY(tar.add_text("manifest.json", docker_list(images)));
  for (auto const& digest : blobs_of(images)) {
    auto const size = BH_TRY(store.blob_size(digest));
    auto blob = BH_TRY(store.open_blob(digest));
    FileSource source(std::move(blob));
    BH_TRY(tar.add(blob_name(digest), size, source));
  }
  return tar.finish();
}

Result<> save_folder(Store const& store, std::span<Image const> images, std::string const& folder) {
  BH_TRY(os::make_folders(folder + "/" + kBlobsFolder));
  auto const to = BH_TRY(os::open_folder(folder));
  for (auto const& digest : blobs_of(images)) BH_TRY(copy_blob(store, digest, to.get()));
  auto index = index_of(images);
  // Images that are in the folder keep their lines, but for the names that move.
  auto const before = os::read_text_at(to.get(), kIndexFile, kDocumentLimit);
  if (before) {
    auto const old = BH_TRY(parse_index(*before));
    for (auto const& line : old.manifests) {
      bool replaced = false;
      for (auto const& fresh : index.manifests) replaced |= fresh.annotations == line.annotations;
      if (!replaced) index.manifests.push_back(line);
    }
  }
  BH_TRY(os::replace_text_at(to.get(), "oci-layout", kLayout));
  return os::replace_text_at(to.get(), kIndexFile, index_text(index));
}

}  // namespace bh::image
