#include "image/build/cache.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "image/json.h"
#include "image/limits.h"
#include "os/folder.h"
#include "os/text_file.h"

namespace bh::image::build {

namespace {

std::string file_of(Digest const& key) {
  return std::string(kBuildFolder) + "/" + key.hex();
}

Result<StepLayer> read_layer_file(Store const& store, Digest const& key) {
  auto const text = BH_TRY(os::read_text_at(store.fd(), file_of(key), kDocumentLimit));
  auto const json = BH_TRY(parse_object(text));
  auto const layer_text = BH_TRY(text_member(json, "layer"));
  auto const id_text = BH_TRY(text_member(json, "diffId"));
  auto const size = BH_TRY(number_member(json, "size"));
  auto layer = BH_TRY(Digest::parse(layer_text));
  auto diff_id = BH_TRY(Digest::parse(id_text));
  return StepLayer{.layer = {.media_type = std::string(kOciLayer),
                             .digest = std::move(layer),
                             .size = size,
                             .platform = {},
                             .annotations = {}},
                   .diff_id = std::move(diff_id)};
}

}  // namespace

std::optional<StepLayer> cached_layer(Store const& store, Digest const& key) {
  auto layer = read_layer_file(store, key);
  if (!layer || !store.has(layer->layer.digest)) return std::nullopt;
  return std::move(*layer);
}

std::vector<StepLayer> cached_layers(Store const& store) {
  std::vector<StepLayer> layers;
  auto const names = os::names_in(store.fd(), kBuildFolder);
  if (!names) return layers;
  for (auto const& name : *names) {
    auto const key = Digest::parse_hex(name);
    if (!key) continue;
    auto layer = read_layer_file(store, *key);
    if (layer) layers.push_back(std::move(*layer));
  }
  return layers;
}

Result<> remember_layer(Store const& store, Digest const& key, StepLayer const& made) {
  BH_TRY(os::make_folders(store.path() + "/" + kBuildFolder));
  boost::json::object const json{{"layer", made.layer.digest.text()},
                                 {"size", made.layer.size},
                                 {"diffId", made.diff_id.text()}};
  return os::replace_text_at(store.fd(), file_of(key), boost::json::serialize(json));
}

}  // namespace bh::image::build
