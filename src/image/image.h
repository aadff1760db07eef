#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "image/config.h"
#include "image/manifest.h"
#include "image/names.h"
#include "image/store.h"

namespace bh::image {

/// An image of the store with what its documents say.
struct Image {
  NamedImage entry;
  Manifest manifest;
  ImageConfig config;

  /// What docker calls the image's id: the digest of its config.
  Digest const& id() const { return manifest.config.digest; }
  /// Of all its blobs, as they are in the store.
  std::uint64_t size() const;
};

/// Keeps what the image is made of while we are adding. Errc::NotFound if it is not there any more.
Result<> claim_image(Store const& store, Image const& image);

/// Reads an image's documents and checks that they agree.
Result<Image> load_image(Store const& store, NamedImage const& entry);
/// All of them, those with a damaged or missing document left out.
Result<std::vector<Image>> load_images(Store const& store);

/// The image that `text` means: a name, a name with a digest, or the first digits (at least 4) of
/// an id or of a manifest's digest. Errc::NotFound with what to do.
Result<Image> find_image(Store const& store, std::string_view text);

/// Makes and names an image: keeps config and manifest, for layers that are in the store already.
Result<NamedImage> add_image(Store const& store, std::string const& name, ImageConfig const& config,
                             std::vector<Descriptor> layers);

}  // namespace bh::image
