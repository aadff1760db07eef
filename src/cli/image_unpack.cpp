#include <array>

#include "cli/image.h"
#include "cli/image_options.h"
#include "cli/machine_definition.h"
#include "image/adding.h"
#include "image/disk_image.h"
#include "image/unpacked_layer.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kRootOption,
    Option{"--as", "FORM", "layers (default; folders for overlayfs) or disk (one EROFS image)"},
};

Result<int> unpack(Context& context, Options const& options) {
  BH_TRY(need_words(options, 1, 1, "one IMAGE"));
  auto const form = options.has("--as") ? options.value("--as") : "layers";
  if (form != "layers" && form != "disk") {
    return fail(Errc::Invalid, "--as \"" + std::string(form) + "\": layers or disk");
  }
  auto const store = BH_TRY(open_store(options));
  auto const adding = BH_TRY(store.begin_adding());
  auto const image = BH_TRY(image::find_image(store, options.words()[0]));
  BH_TRY(image::claim_image(store, image));
  if (form == "disk") {
    auto const path = BH_TRY(image::disk_image(store, image));
    context.out << path << "\n";
    return 0;
  }
  BH_TRY(enter_container_ids());
  auto const folders = BH_TRY(image::unpacked_layers(store, image));
  for (auto const& folder : folders) context.out << folder << "\n";
  return 0;
}

}  // namespace

constinit Command const kImageUnpack{
    .name = "unpack",
    .usage = "image unpack [OPTION...] IMAGE",
    .summary = "Unpack an image as machines use it, and show where, the lowest layer first",
    .example = "bulkhead image unpack debian:12",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = unpack,
};

}  // namespace bh::cli
