#include <array>

#include "cli/image.h"
#include "cli/image_transfer.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kRootOption,
    kInsecureOption,
    kCaFileOption,
    kCredsOption,
    Option{"--quiet", "", "Print nothing", "-q"},
};

Result<int> push(Context& context, Options const& options) {
  BH_TRY(need_words(options, 1, 2, "IMAGE and maybe the NAME to push it as"));
  auto const to = BH_TRY(image::Reference::parse(options.words().back()));
  auto const transfer = BH_TRY(transfer_options(options));
  auto const store = BH_TRY(open_store(options));
  auto const image = BH_TRY(image::find_image(store, options.words()[0]));
  auto const sent = BH_TRY(image::registry::push(store, image.entry, to, transfer));
  if (options.has("--quiet")) return 0;
  context.out << to.tag_or_digest() << ": digest: " << image.entry.manifest.digest.text()
              << " size: " << image.entry.manifest.size << "\nSent: " << docker_size(sent) << "\n";
  return 0;
}

}  // namespace

constinit Command const kImagePush{
    .name = "push",
    .usage = "image push [OPTION...] IMAGE [NAME]",
    .summary = "Bring an image to a registry",
    .example = "bulkhead image push shop:1 registry.example.com/shop:1",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = push,
};

}  // namespace bh::cli
