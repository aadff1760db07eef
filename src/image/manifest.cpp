#include "image/manifest.h"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "base/units.h"
#include "image/json.h"
#include "image/limits.h"

namespace bh::image {

namespace {

constexpr std::string_view kEmptyConfig = "application/vnd.oci.empty.v1+json";

Result<Descriptor> read_descriptor(boost::json::object const& object) {
  auto media_type = BH_TRY(text_member(object, "mediaType"));
  auto const digest_text = BH_TRY(text_member(object, "digest"));
  auto digest = BH_TRY(Digest::parse(digest_text));
  auto const size = BH_TRY(number_member(object, "size"));
  if (size > kLargestBlob) {
    return fail(Errc::Corrupt, "blob " + digest.short_hex() + " has " + size_text(size) +
                                   ", at most " + size_text(kLargestBlob));
  }
  auto annotations = BH_TRY(text_map_member(object, "annotations"));
  Descriptor descriptor{.media_type = std::move(media_type),
                        .digest = std::move(digest),
                        .size = size,
                        .platform = {},
                        .annotations = std::move(annotations)};
  auto const* const platform = BH_TRY(object_member(object, "platform"));
  if (platform != nullptr) {
    Platform read;
    read.os = BH_TRY(text_member(*platform, "os"));
    read.architecture = BH_TRY(text_member(*platform, "architecture"));
    read.variant = BH_TRY(text_member(*platform, "variant"));
    descriptor.platform = std::move(read);
  }
  return descriptor;
}

Result<std::vector<Descriptor>> read_descriptors(boost::json::object const& object,
                                                 std::string_view name, std::size_t most) {
  std::vector<Descriptor> descriptors;
  auto const* const array = BH_TRY(array_member(object, name));
  if (array == nullptr) return descriptors;
  auto const objects = BH_TRY(objects_of(*array, name, most));
  for (auto const* const element : objects) {
    auto descriptor = BH_TRY(read_descriptor(*element));
    descriptors.push_back(std::move(descriptor));
  }
  return descriptors;
}

Result<Document> read_manifest(boost::json::object const& object, std::string media_type) {
  auto const* const config = BH_TRY(object_member(object, "config"));
  if (config == nullptr) return fail(Errc::Corrupt, "manifest without \"config\"");
  auto described = BH_TRY(read_descriptor(*config));
  if (described.media_type == kEmptyConfig ||
      (!described.media_type.empty() && described.media_type != kOciConfig &&
       described.media_type != kDockerConfig)) {
    return fail(Errc::Unsupported,
                "it is an artifact (" + described.media_type + ") and no image to run");
  }
  auto layers = BH_TRY(read_descriptors(object, "layers", kMostLayers));
  // A file system made of nothing would be taken from somewhere else (CVE-2026-24054).
  if (layers.empty()) return fail(Errc::Unsupported, "the image has no layers");
  return Manifest{.media_type = std::move(media_type),
                  .config = std::move(described),
                  .layers = std::move(layers)};
}

Result<Document> read_index(boost::json::object const& object, std::string media_type) {
  auto manifests = BH_TRY(read_descriptors(object, "manifests", kMostManifests));
  return Index{.media_type = std::move(media_type), .manifests = std::move(manifests)};
}

boost::json::object descriptor_json(Descriptor const& descriptor) {
  boost::json::object json{{"mediaType", descriptor.media_type},
                           {"digest", descriptor.digest.text()},
                           {"size", descriptor.size}};
  if (descriptor.platform) {
    boost::json::object platform{{"architecture", descriptor.platform->architecture},
                                 {"os", descriptor.platform->os}};
    if (!descriptor.platform->variant.empty()) platform["variant"] = descriptor.platform->variant;
    json["platform"] = std::move(platform);
  }
  if (!descriptor.annotations.empty()) {
    boost::json::object annotations;
    for (auto const& [name, value] : descriptor.annotations) annotations[name] = value;
    json["annotations"] = std::move(annotations);
  }
  return json;
}

boost::json::array descriptors_json(std::vector<Descriptor> const& descriptors) {
  boost::json::array array;
  for (auto const& descriptor : descriptors) array.push_back(descriptor_json(descriptor));
  return array;
}

}  // namespace

Result<Descriptor> Index::select(Platform const& wanted) const {
  auto const suits = [&](Descriptor const& one) {
    return one.platform && one.platform->fits(wanted);
  };
  auto const found = std::ranges::find_if(manifests, suits);
  if (found != manifests.end()) return *found;
  // An index of one image that says nothing of its platform.
  if (manifests.size() == 1 && !manifests[0].platform) return manifests[0];
  std::string there;
  for (auto const& one : manifests) {
    if (!one.platform || one.platform->os == "unknown") continue;
    there += (there.empty() ? "" : ", ") + one.platform->text();
  }
  return fail(Errc::NotFound, "there is no image for " + wanted.text() + ", but for " +
                                  (there.empty() ? "no platform at all" : there) +
                                  "; choose one with --platform");
}

Result<Document> parse_document(std::string_view text, std::string_view media_type) {
  auto const object = BH_TRY(parse_object(text));
  auto own = BH_TRY(text_member(object, "mediaType"));
  auto const version = BH_TRY(number_member(object, "schemaVersion"));
  if (version != 2) {
    return fail(Errc::Unsupported, "manifests of schemaVersion " + std::to_string(version) +
                                       "; push the image again with a client of this decade");
  }
  if (own.empty()) own = media_type;
  if (own == kOciIndex || own == kDockerList) return read_index(object, std::move(own));
  if (own == kOciManifest || own == kDockerManifest) return read_manifest(object, std::move(own));
  // OCI's documents need not name their type.
  if (object.contains("layers")) return read_manifest(object, std::string(kOciManifest));
  if (object.contains("manifests")) return read_index(object, std::string(kOciIndex));
  return fail(Errc::Unsupported, own.empty() ? "it is neither a manifest nor an index"
                                             : "documents of type " + own.substr(0, 200));
}

Result<Manifest> parse_manifest(std::string_view text, std::string_view media_type) {
  auto document = BH_TRY(parse_document(text, media_type));
  if (auto* const manifest = std::get_if<Manifest>(&document)) return std::move(*manifest);
  return fail(Errc::Corrupt, "an index stands where a manifest belongs");
}

Result<Index> parse_index(std::string_view text) {
  auto document = BH_TRY(parse_document(text, kOciIndex));
  if (auto* const index = std::get_if<Index>(&document)) return std::move(*index);
  return fail(Errc::Corrupt, "a manifest stands where an index belongs");
}

std::string manifest_text(Manifest const& manifest) {
  boost::json::object const json{{"schemaVersion", 2},
                                 {"mediaType", manifest.media_type},
                                 {"config", descriptor_json(manifest.config)},
                                 {"layers", descriptors_json(manifest.layers)}};
  return boost::json::serialize(json);
}

std::string index_text(Index const& index) {
  boost::json::object const json{{"schemaVersion", 2},
                                 {"mediaType", index.media_type},
                                 {"manifests", descriptors_json(index.manifests)}};
  return boost::json::serialize(json);
}

}  // namespace bh::image
