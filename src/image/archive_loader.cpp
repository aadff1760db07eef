#include "image/archive_loader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "image/adding.h"
#include "image/archive_files.h"
#include "image/image.h"
#include "image/json.h"
#include "image/layer_entry.h"
#include "image/limits.h"
#include "os/file.h"
#include "os/text_file.h"

namespace bh::image {

namespace {

// The OCI image specification, annotations.md, and what containerd and docker write.
constexpr char kRefName[] = "org.opencontainers.image.ref.name";
constexpr char kContainerdName[] = "io.containerd.image.name";
constexpr std::size_t kMostImages = 1000;

/// The name an archive gives, in full; empty if it has none that could be one.
std::string full_name(std::string const& name) {
  auto const reference = Reference::parse(name);
  return reference && !reference->digest ? reference->text() : "";
}

class Loader {
 public:
  Loader(Store const& store, ArchiveFiles& files, LoadOptions const& options)
      : store_(store), files_(files), options_(options) {}

  Result<std::vector<NamedImage>> load() {
    auto const index = files_.keep("index.json");
    if (index) {
      BH_TRY(load_layout(*index));
    } else if (index.error().code != Errc::NotFound) {
      return std::unexpected(index.error());
    } else {
      auto const manifest = files_.keep("manifest.json");
      if (!manifest) {
        return fail(Errc::Invalid,
                    "it is neither an OCI layout nor made by `docker save`; a tar of a root file "
                    "system is for `bulkhead image import`");
      }
      BH_TRY(load_docker(*manifest));
    }
    if (images_.empty()) return fail(Errc::NotFound, "there are no images in it");
    if (!options_.name.empty() && images_.size() > 1) {
      return fail(Errc::Invalid, "there are " + std::to_string(images_.size()) +
                                     " images in it, which cannot have one name");
    }
    for (auto& image : images_) {
      if (!options_.name.empty()) image.name = options_.name;
      // It must be whole and of one piece before it has a name.
      BH_TRY(load_image(store_, image));
      BH_TRY(set_name(store_, image));
    }
    return std::move(images_);
  }

 private:
  /// A blob of a layout, which must be what its name says.
  Result<> keep_blob(Descriptor const& descriptor) {
    if (store_.has(descriptor.digest)) return {};
    auto const file = BH_TRY(files_.keep("blobs/sha256/" + descriptor.digest.hex()));
    if (file.digest == descriptor.digest && file.size == descriptor.size) return {};
    return fail(Errc::Corrupt, "blob " + descriptor.digest.text() + " has the digest " +
                                   file.digest.text() + " and " + size_text(file.size));
  }

  Result<> load_layout(ArchivedFile const& index_file) {
    auto const text = BH_TRY(store_.read_document(index_file.digest));
    auto const index = BH_TRY(parse_index(text));
    for (auto const& line : index.manifests) {
      std::string name;
      for (auto const* const key : {kContainerdName, kRefName}) {
        auto const found = line.annotations.find(key);
        if (found != line.annotations.end() && name.empty()) name = full_name(found->second);
      }
      BH_TRY(load_line(line, name));
    }
    return {};
  }

  Result<> load_line(Descriptor const& line, std::string const& name) {
    BH_TRY(keep_blob(line));
    auto const text = BH_TRY(store_.read_document(line.digest));
    auto const document = BH_TRY(parse_document(text, line.media_type));
    if (auto const* const manifest = std::get_if<Manifest>(&document)) {
      return load_manifest(*manifest, line, name, std::nullopt);
    }
    auto const chosen = BH_TRY(std::get<Index>(document).select(options_.platform));
    BH_TRY(keep_blob(chosen));
    auto const inner = BH_TRY(store_.read_document(chosen.digest));
    auto const manifest = BH_TRY(parse_manifest(inner, chosen.media_type));
    return load_manifest(manifest, chosen, name, line.digest);
  }

  Result<> load_manifest(Manifest const& manifest, Descriptor descriptor, std::string const& name,
                         std::optional<Digest> const& pulled) {
    BH_TRY(keep_blob(manifest.config));
    for (auto const& layer : manifest.layers) BH_TRY(keep_blob(layer));
    descriptor.media_type = manifest.media_type;
    descriptor.annotations.clear();
    images_.push_back({.name = name, .manifest = std::move(descriptor), .pulled = pulled});
    return {};
  }

  /// manifest.json of `docker save`: a list of {"Config": FILE, "RepoTags": [...], "Layers":
  /// [...]}.
  Result<> load_docker(ArchivedFile const& list_file) {
    auto const list = BH_TRY(store_.read_document(list_file.digest));
    // Our reader wants an object.
    auto const whole = BH_TRY(parse_object("{\"images\":" + list + "}"));
    auto const* const array = BH_TRY(array_member(whole, "images"));
    if (array == nullptr) return fail(Errc::Corrupt, "manifest.json is empty");
    auto const entries = BH_TRY(objects_of(*array, "manifest.json", kMostImages));
    for (auto const* const entry : entries) BH_TRY(load_docker_image(*entry));
    return {};
  }

  Result<ArchivedFile> keep_named(std::string const& name) {
    auto const path = BH_TRY(clean_path(name));
    return files_.keep(path);
  }

  Result<> load_docker_image(boost::json::object const& entry) {
    auto const config_name = BH_TRY(text_member(entry, "Config"));
    auto const layer_names = BH_TRY(texts_member(entry, "Layers"));
    auto const tags = BH_TRY(texts_member(entry, "RepoTags"));
    auto const config = BH_TRY(keep_named(config_name));
    Manifest manifest{.media_type = std::string(kOciManifest),
                      .config = {.media_type = std::string(kOciConfig),
                                 .digest = config.digest,
                                 .size = config.size,
                                 .platform = {},
                                 .annotations = {}},
                      .layers = {}};
    if (layer_names.empty() || layer_names.size() > kMostLayers) {
      return fail(Errc::Unsupported,
                  "an image of " + std::to_string(layer_names.size()) + " layers");
    }
    for (auto const& name : layer_names) {
      auto const layer = BH_TRY(keep_named(name));
      auto const type = BH_TRY(layer_type(layer.digest));
      manifest.layers.push_back({.media_type = std::string(type),
                                 .digest = layer.digest,
                                 .size = layer.size,
                                 .platform = {},
                                 .annotations = {}});
    }
    return add_docker_image(manifest, tags);
  }

  Result<> add_docker_image(Manifest const& manifest, std::vector<std::string> const& tags) {
    auto const text = manifest_text(manifest);
    auto const digest = BH_TRY(store_.add(text));
    NamedImage image{.name = {},
                     .manifest = {.media_type = manifest.media_type,
                                  .digest = digest,
                                  .size = text.size(),
                                  .platform = {},
                                  .annotations = {}},
                     .pulled = {}};
    if (tags.empty() || !options_.name.empty()) {
      images_.push_back(image);
      return {};
    }
    for (auto const& tag : tags) {
      image.name = full_name(tag);
      images_.push_back(image);
    }
    return {};
  }

  Result<std::string_view> layer_type(Digest const& digest) const {
    auto const blob = BH_TRY(store_.open_blob(digest));
    std::array<unsigned char, 4> start{};
    if (::pread(blob.get(), start.data(), start.size(), 0) < 0) {
      return fail_errno("read a layer", errno);
    }
    if (start[0] == 0x1f && start[1] == 0x8b) return kOciLayerGzip;
    if (start[0] == 0x28 && start[1] == 0xb5 && start[2] == 0x2f && start[3] == 0xfd) {
      return kOciLayerZstd;
    }
    return kOciLayer;
  }

  Store const& store_;
  ArchiveFiles& files_;
  LoadOptions const& options_;
  std::vector<NamedImage> images_;
};

}  // namespace

Result<std::vector<NamedImage>> load_folder(Store const& store, std::string const& folder,
                                            LoadOptions const& options) {
  auto const adding = BH_TRY(store.begin_adding());
  auto opened = BH_TRY(os::open_at(AT_FDCWD, folder, O_PATH | O_DIRECTORY));
  FolderFiles files(store, std::move(opened));
  return Loader(store, files, options).load();
}

Result<std::vector<NamedImage>> load_archive(Store const& store, std::unique_ptr<ByteSource> tar,
                                             LoadOptions const& options) {
  auto const adding = BH_TRY(store.begin_adding());
  auto files = BH_TRY(TarFiles::read(store, std::move(tar)));
  return Loader(store, files, options).load();
}

Result<std::vector<NamedImage>> load(Store const& store, std::string const& path,
                                     LoadOptions const& options) {
  if (path == "-") {
    os::UniqueFd input(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
    return load_archive(store, std::make_unique<FileSource>(std::move(input)), options);
  }
  auto file = BH_TRY(os::open_file(path, O_RDONLY));
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return fail_errno("stat " + path, errno);
  auto loaded = S_ISDIR(info.st_mode)
                    ? load_folder(store, path, options)
                    : load_archive(store, std::make_unique<FileSource>(std::move(file)), options);
  if (!loaded) return std::unexpected(std::move(loaded).error().while_doing("load " + path));
  return loaded;
}

}  // namespace bh::image
