#include "image/image.h"

#include <algorithm>
#include <set>

namespace bh::image {

namespace {

// Fewer digits mean too many things.
constexpr std::size_t kFewestDigits = 4;

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::unexpected<Error> missing(std::string_view text) {
  return fail(Errc::NotFound, "there is no image \"" + std::string(text) +
                                  "\" here; see `bulkhead image ls`, or get it with `bulkhead "
                                  "image pull`");
}

Result<std::vector<Image>> by_digits(Store const& store, std::string_view digits) {
  auto images = BH_TRY(load_images(store));
  std::erase_if(images, [&](Image const& image) {
    return !image.id().hex().starts_with(digits) &&
           !image.entry.manifest.digest.hex().starts_with(digits);
  });
  return images;
}

/// The image with one of these digits, if it is but one.
Result<Image> only_one(Store const& store, std::string_view text, std::string_view digits) {
  auto images = BH_TRY(by_digits(store, digits));
  if (images.empty()) return missing(text);
  std::set<Digest> ids;
  for (auto const& image : images) ids.insert(image.id());
  if (ids.size() > 1) {
    return fail(Errc::Invalid,
                "\"" + std::string(text) + "\" means several images; write more of its digits");
  }
  return std::move(images.front());
}

}  // namespace

std::uint64_t Image::size() const {
  std::uint64_t size = manifest.config.size;
  for (auto const& layer : manifest.layers) size += layer.size;
  return size;
}

Result<Image> load_image(Store const& store, NamedImage const& entry) {
  auto const manifest_json = BH_TRY(store.read_document(entry.manifest.digest));
  auto manifest = BH_TRY(parse_manifest(manifest_json, entry.manifest.media_type));
  auto const config_json = BH_TRY(store.read_document(manifest.config.digest));
  auto config = BH_TRY(ImageConfig::parse(config_json));
  if (config.diff_ids.size() != manifest.layers.size()) {
    return fail(Errc::Corrupt, "the manifest has " + std::to_string(manifest.layers.size()) +
                                   " layers and the config " +
                                   std::to_string(config.diff_ids.size()));
  }
  return Image{.entry = entry, .manifest = std::move(manifest), .config = std::move(config)};
}

Result<> claim_image(Store const& store, Image const& image) {
  bool there = store.has(image.entry.manifest.digest) && store.has(image.manifest.config.digest);
  for (auto const& layer : image.manifest.layers) there = there && store.has(layer.digest);
  if (there) return {};
  return fail(Errc::NotFound, "image " + image.id().short_hex() +
                                  " was removed just now (get it with `bulkhead image pull`)");
}

Result<std::vector<Image>> load_images(Store const& store) {
  std::vector<Image> images;
  auto const names = BH_TRY(read_names(store));
  for (auto const& name : names) {
    auto image = load_image(store, name);
    if (image) images.push_back(std::move(*image));
  }
  return images;
}

Result<Image> find_image(Store const& store, std::string_view text) {
  if (text.starts_with("sha256:")) {
    auto const digest = BH_TRY(Digest::parse(text));
    return only_one(store, text, digest.hex());
  }
  auto const reference = Reference::parse(text);
  if (reference) {
    auto const names = BH_TRY(read_names(store));
    auto const matches = [&](NamedImage const& image) {
      if (!reference->digest) return image.name == reference->text();
      auto const name = Reference::parse(image.name);
      return name && name->registry == reference->registry &&
             name->repository == reference->repository &&
             (image.manifest.digest == *reference->digest || image.pulled == reference->digest);
    };
    auto const found = std::ranges::find_if(names, matches);
    if (found != names.end()) {
      auto image = load_image(store, *found);
      if (!image) {
        return std::unexpected(std::move(image).error().while_doing("image " + found->name));
      }
      return image;
    }
  }
  if (text.size() >= kFewestDigits && is_hex(text)) return only_one(store, text, text);
  if (!reference) return std::unexpected(reference.error());
  return missing(text);
}

Result<NamedImage> add_image(Store const& store, std::string const& name, ImageConfig const& config,
                             std::vector<Descriptor> layers) {
  auto const config_json = config.text();
  auto const config_digest = BH_TRY(store.add(config_json));
  Manifest const manifest{.media_type = std::string(kOciManifest),
                          .config = {.media_type = std::string(kOciConfig),
                                     .digest = config_digest,
                                     .size = config_json.size(),
                                     .platform = {},
                                     .annotations = {}},
                          .layers = std::move(layers)};
  auto const text = manifest_text(manifest);
  auto const digest = BH_TRY(store.add(text));
  NamedImage image{.name = name,
                   .manifest = {.media_type = manifest.media_type,
                                .digest = digest,
                                .size = text.size(),
                                .platform = config.platform,
                                .annotations = {}},
                   .pulled = {}};
  BH_TRY(set_name(store, image));
  return image;
}

}  // namespace bh::image
