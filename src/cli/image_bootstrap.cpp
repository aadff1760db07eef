#include <array>

#include "cli/image.h"
#include "cli/image_options.h"
#include "image/bootstrap.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kRootOption,
    Option{"--include", "PACKAGE", "One more package of Debian; as often as needed"},
    Option{"--name", "NAME", "Names the image, instead of what was asked for"},
};

Result<image::NamedImage> make(image::Store const& store, image::Reference const& wanted,
                               std::string const& name, Options const& options) {
  auto const what = wanted.familiar_repository();
  if (what == "busybox") return image::bootstrap_busybox(store, name);
  if (what != "debian") {
    return fail(Errc::Unsupported,
                "\"" + what + "\" cannot be made here; debian:VERSION and busybox can");
  }
  image::DebianOptions debian;
  debian.suite = BH_TRY(image::debian_suite(wanted.tag));
  debian.packages = options.values("--include");
  return image::bootstrap_debian(store, debian, name);
}

Result<int> bootstrap(Context& context, Options const& options) {
  BH_TRY(need_words(options, 1, 1, "debian:VERSION or busybox"));
  auto const wanted = BH_TRY(image::Reference::parse(options.words()[0]));
  auto const store = BH_TRY(open_store(options));
  std::string name = wanted.text();
  if (options.has("--name")) name = BH_TRY(name_to_give(options.value("--name")));
  auto const made = BH_TRY(make(store, wanted, name, options));
  auto const image = BH_TRY(image::load_image(store, made));
  context.out << image.id().text() << "\n";
  return 0;
}

}  // namespace

constinit Command const kImageBootstrap{
    .name = "bootstrap",
    .usage = "image bootstrap [OPTION...] debian:VERSION|busybox",
    .summary = "Make an image from this machine's package sources, without a registry",
    .example = "bulkhead image bootstrap debian:12",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = bootstrap,
};

}  // namespace bh::cli
