#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "image/digest.h"
#include "image/platform.h"

namespace bh::image {

// Media types of the OCI image specification (media-types.md), and of Docker's image manifest
// version 2, schema 2.
inline constexpr std::string_view kOciManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kOciIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kOciConfig = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view kOciLayer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view kOciLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr std::string_view kOciLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd";
inline constexpr std::string_view kDockerManifest =
    "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view kDockerList =
    "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view kDockerConfig = "application/vnd.docker.container.image.v1+json";

using Annotations = std::map<std::string, std::string>;

/// What one document says of a blob.
struct Descriptor {
  std::string media_type;
  Digest digest;
  std::uint64_t size = 0;
  std::optional<Platform> platform;
  Annotations annotations;
};

/// One image for one platform.
struct Manifest {
  std::string media_type;
  Descriptor config;
  std::vector<Descriptor> layers;  // The lowest first; at least one.
};

/// Images for several platforms, or of an OCI layout.
struct Index {
  std::string media_type;
  std::vector<Descriptor> manifests;

  /// The one for `wanted`; Errc::NotFound with those there are.
  Result<Descriptor> select(Platform const& wanted) const;
};

using Document = std::variant<Manifest, Index>;

/// `media_type` is what came with the text, or empty; the text's own wins. Errc::Unsupported for
/// what is no runnable image (artifacts, Docker's schema 1), Errc::Corrupt for what is wrong.
Result<Document> parse_document(std::string_view text, std::string_view media_type = {});
/// The same, of which only a manifest will do.
Result<Manifest> parse_manifest(std::string_view text, std::string_view media_type = {});
/// index.json of a layout.
Result<Index> parse_index(std::string_view text);

std::string manifest_text(Manifest const& manifest);
std::string index_text(Index const& index);

}  // namespace bh::image
