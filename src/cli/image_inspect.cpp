#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/image.h"
#include "cli/image_options.h"
#include "image/json.h"
#include "image/reference.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{kRootOption,
                              Option{"--raw", "", "The manifest as it is, and nothing else"}};

boost::json::array names_of(std::vector<image::NamedImage> const& names,
                            image::Image const& image) {
  boost::json::array array;
  for (auto const& other : names) {
    if (other.manifest.digest != image.entry.manifest.digest || other.name.empty()) continue;
    array.push_back(boost::json::value(shown_name(other)));
  }
  return array;
}

/// The members `docker image inspect` has, as far as we know them.
Result<boost::json::object> json_of(image::Store const& store,
                                    std::vector<image::NamedImage> const& names,
                                    image::Image const& image) {
  auto const text = BH_TRY(store.read_document(image.id()));
  auto const config = BH_TRY(image::parse_object(text));
  auto const* const execution = BH_TRY(image::object_member(config, "config"));
  boost::json::array digests;
  if (auto const reference = image::Reference::parse(image.entry.name)) {
    auto const digest = image.entry.pulled.value_or(image.entry.manifest.digest);
    digests.push_back(boost::json::value(reference->familiar_repository() + "@" + digest.text()));
  }
  boost::json::array layers;
  for (auto const& id : image.config.diff_ids) layers.push_back(boost::json::value(id.text()));
  return boost::json::object{
      {"Id", image.id().text()},
      {"RepoTags", names_of(names, image)},
      {"RepoDigests", std::move(digests)},
      {"Digest", image.entry.manifest.digest.text()},
      {"Created", image.config.created},
      {"Architecture", image.config.platform.architecture},
      {"Variant", image.config.platform.variant},
      {"Os", image.config.platform.os},
      {"Size", image.size()},
      {"Config", execution != nullptr ? *execution : boost::json::object()},
      {"RootFS", {{"Type", "layers"}, {"Layers", std::move(layers)}}},
  };
}

Result<int> inspect(Context& context, Options const& options) {
  if (options.words().empty()) return fail(Errc::Invalid, "IMAGE... expected");
  auto const store = BH_TRY(open_store(options));
  auto const names = BH_TRY(image::read_names(store));
  boost::json::array array;
  for (auto const& word : options.words()) {
    auto const image = BH_TRY(image::find_image(store, word));
    if (options.has("--raw")) {
      auto const text = BH_TRY(store.read_document(image.entry.manifest.digest));
      context.out << text;
      continue;
    }
    auto json = BH_TRY(json_of(store, names, image));
    array.push_back(std::move(json));
  }
  if (!options.has("--raw")) context.out << image::pretty(array);
  return 0;
}

}  // namespace

constinit Command const kImageInspect{
    .name = "inspect",
    .usage = "image inspect [OPTION...] IMAGE...",
    .summary = "Show all that is known of images, as JSON",
    .example = "bulkhead image inspect debian:12",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = inspect,
};

}  // namespace bh::cli
