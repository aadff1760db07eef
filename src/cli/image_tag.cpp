#include <array>

#include "cli/image.h"
#include "cli/image_options.h"
#include "image/adding.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{kRootOption};

Result<int> tag(Context& /*context*/, Options const& options) {
  BH_TRY(need_words(options, 2, 2, "IMAGE and NAME"));
  auto const store = BH_TRY(open_store(options));
  auto const adding = BH_TRY(store.begin_adding());
  auto image = BH_TRY(image::find_image(store, options.words()[0]));
  BH_TRY(image::claim_image(store, image));
  image.entry.name = BH_TRY(name_to_give(options.words()[1]));
  BH_TRY(image::set_name(store, image.entry));
  return 0;
}

}  // namespace

constinit Command const kImageTag{
    .name = "tag",
    .usage = "image tag [OPTION...] IMAGE NAME",
    .summary = "Give an image another name",
    .example = "bulkhead image tag debian:12 mine:1",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = tag,
};

}  // namespace bh::cli
