#include <array>

#include "cli/image.h"
#include "cli/image_transfer.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kRootOption,
    kPlatformOption,
    kInsecureOption,
    kCaFileOption,
    kCredsOption,
    Option{"--mirror", "HOST[/PREFIX]", "Asked before the registry; as often as needed"},
    Option{"--quiet", "", "Only the id", "-q"},
};

Result<int> pull(Context& context, Options const& options) {
  BH_TRY(need_words(options, 1, 1, "one NAME"));
  auto const reference = BH_TRY(image::Reference::parse(options.words()[0]));
  auto const transfer = BH_TRY(transfer_options(options));
  auto const store = BH_TRY(open_store(options));
  auto const before = image::find_image(store, reference.text());
  auto const pulled = BH_TRY(image::registry::pull(store, reference, transfer));
  auto const image = BH_TRY(image::load_image(store, pulled.image));
  if (options.has("--quiet")) {
    context.out << image.id().text() << "\n";
    return 0;
  }
  bool const same = before && before->entry.manifest.digest == pulled.image.manifest.digest;
  context.out << "Digest: " << pulled.image.pulled.value_or(pulled.image.manifest.digest).text()
              << "\nFetched: " << docker_size(pulled.bytes)
              << "\nStatus: " << (same ? "Image is up to date for " : "Downloaded newer image for ")
              << reference.familiar() << "\n";
  return 0;
}

}  // namespace

constinit Command const kImagePull{
    .name = "pull",
    .usage = "image pull [OPTION...] NAME",
    .summary = "Fetch an image from a registry",
    .example = "bulkhead image pull docker.io/library/debian:12",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = pull,
};

}  // namespace bh::cli
