#include "image/names.h"

#include <algorithm>

#include "image/limits.h"
#include "os/text_file.h"

namespace bh::image {

namespace {

// The OCI image specification, annotations.md; the second is ours.
constexpr char kRefName[] = "org.opencontainers.image.ref.name";
constexpr char kPulled[] = "bulkhead.pulled.digest";
constexpr char kLock[] = "index.lock";

std::optional<std::string> annotation(Descriptor const& descriptor, char const* name) {
  auto const found = descriptor.annotations.find(name);
  if (found == descriptor.annotations.end()) return std::nullopt;
  return found->second;
}

NamedImage from_line(Descriptor line) {
  NamedImage image{.name = annotation(line, kRefName).value_or(""), .manifest = line, .pulled = {}};
  if (auto const pulled = annotation(line, kPulled)) {
    if (auto digest = Digest::parse(*pulled)) image.pulled = std::move(*digest);
  }
  image.manifest.annotations.clear();
  return image;
}

Descriptor to_line(NamedImage const& image) {
  auto line = image.manifest;
  line.annotations.clear();
  if (!image.name.empty()) line.annotations[kRefName] = image.name;
  if (image.pulled) line.annotations[kPulled] = image.pulled->text();
  return line;
}

Result<> write_names(Store const& store, std::vector<NamedImage> const& images) {
  Index index{.media_type = std::string(kOciIndex), .manifests = {}};
  for (auto const& image : images) index.manifests.push_back(to_line(image));
  return os::replace_text_at(store.fd(), kIndexFile, index_text(index));
}

}  // namespace

Result<std::vector<NamedImage>> read_names(Store const& store) {
  std::vector<NamedImage> images;
  auto const text = os::read_text_at(store.fd(), kIndexFile, kDocumentLimit);
  if (!text && text.error().code == Errc::NotFound) return images;
  if (!text) return std::unexpected(text.error());
  auto index = parse_index(*text);
  if (!index) {
    return std::unexpected(
        std::move(index).error().while_doing("read " + store.path() + "/" + kIndexFile));
  }
  for (auto& line : index->manifests) images.push_back(from_line(std::move(line)));
  return images;
}

Result<os::FileLock> lock_names(Store const& store) {
  return os::FileLock::lock(store.fd(), kLock, os::LockKind::Exclusive);
}

Result<> set_name(Store const& store, NamedImage const& image) {
  auto const lock = BH_TRY(lock_names(store));
  auto images = BH_TRY(read_names(store));
  // The same image without a name is this one from now on; another of this name loses it.
  std::erase_if(images, [&](NamedImage const& other) {
    return other.manifest.digest == image.manifest.digest &&
           (other.name.empty() || other.name == image.name);
  });
  auto const previous = std::ranges::find_if(images, [&](NamedImage const& other) {
    return !image.name.empty() && other.name == image.name;
  });
  if (previous != images.end()) {
    auto const of_previous = [&](NamedImage const& other) {
      return other.manifest.digest == previous->manifest.digest;
    };
    if (std::ranges::count_if(images, of_previous) > 1) {
      images.erase(previous);
    } else {
      previous->name.clear();
    }
  }
  images.push_back(image);
  return write_names(store, images);
}

Result<std::vector<NamedImage>> remove_names(
    Store const& store, os::FileLock const& /*names*/,
    std::function<bool(NamedImage const&)> const& matches) {
  auto images = BH_TRY(read_names(store));
  std::vector<NamedImage> removed;
  std::ranges::copy_if(images, std::back_inserter(removed), matches);
  if (removed.empty()) return removed;
  std::erase_if(images, matches);
  BH_TRY(write_names(store, images));
  return removed;
}

}  // namespace bh::image
