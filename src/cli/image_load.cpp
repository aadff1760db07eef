#include <array>

#include "cli/image.h"
#include "cli/image_options.h"
#include "image/archive_loader.h"
#include "image/garbage.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kRootOption,
    kPlatformOption,
    Option{"--input", "FILE", "The archive or folder, instead of standard input", "-i"},
    Option{"--name", "NAME", "Names the image, instead of the archive"},
    Option{"--quiet", "", "Print nothing", "-q"},
};

Result<int> load(Context& context, Options const& options) {
  BH_TRY(need_words(options, 0, 1, "one FILE"));
  auto const store = BH_TRY(open_store(options));
  image::LoadOptions wanted;
  wanted.platform = BH_TRY(platform_of(options));
  if (options.has("--name")) wanted.name = BH_TRY(name_to_give(options.value("--name")));
  std::string path = "-";
  if (options.has("--input")) path = options.value("--input");
  if (!options.words().empty()) path = options.words()[0];
  auto const loaded = BH_TRY(image::load(store, path, wanted));
  for (auto const& one : loaded) {
    if (options.has("--quiet")) break;
    auto const image = BH_TRY(image::load_image(store, one));
    context.out << (one.name.empty() ? "Loaded image ID: " + image.id().text()
                                     : "Loaded image: " + shown_name(one))
                << "\n";
  }
  // Archives have files that no image needs; whoever adds images now will let them be swept later.
  image::tidy(store);
  return 0;
}

}  // namespace

constinit Command const kImageLoad{
    .name = "load",
    .usage = "image load [OPTION...] [FILE|FOLDER|-]",
    .summary = "Take images from an OCI layout or from what `docker save` wrote",
    .example = "bulkhead image load debian.tar",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = load,
};

}  // namespace bh::cli
