#include <algorithm>
#include <array>

#include "cli/image.h"
#include "cli/image_options.h"
#include "cli/image_users.h"
#include "image/garbage.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kRootOption,
    Option{"--force", "",
           "All names of an image given by its id, and no complaint if there is none", "-f"},
};

/// Errc::Busy if a machine starts from this image, whatever it does now.
Result<> refuse_used(image::Image const& image, std::string const& word, Options const& options) {
  auto const users = BH_TRY(image_users(options));
  auto const digest = image.entry.manifest.digest.text();
  auto const user = std::ranges::find_if(users, [&](machine::Record const& record) {
    return record.definition.image_digest == digest;
  });
  if (user == users.end()) return {};
  return fail(Errc::Busy, "\"" + word + "\" is the image of machine " + user->name +
                              " (`bulkhead rm " + user->name + "` first)");
}

/// Removes what one word means: a name, or an image with all its names.
Result<> remove(image::Store const& store, Options const& options, std::string const& word,
                std::ostream& out) {
  bool const force = options.has("--force");
  auto const lock = BH_TRY(image::lock_names(store));
  auto const image = image::find_image(store, word);
  if (!image && force && image.error().code == Errc::NotFound) return {};
  if (!image) return std::unexpected(image.error());
  auto const reference = image::Reference::parse(word);
  bool const by_name = reference && !reference->digest && image->entry.name == reference->text();
  auto const names = BH_TRY(image::read_names(store));
  auto const same = [&](image::NamedImage const& other) {
    return other.manifest.digest == image->entry.manifest.digest;
  };
  if (!by_name && !force && std::ranges::count_if(names, same) > 1) {
    return fail(Errc::Busy,
                "\"" + word + "\" has several names; remove them one by one, or all with --force");
  }
  // Its last name keeps it for machines, too.
  if (!by_name || std::ranges::count_if(names, same) == 1) {
    BH_TRY(refuse_used(*image, word, options));
  }
  auto const removed = BH_TRY(image::remove_names(store, lock, [&](image::NamedImage const& other) {
    return by_name ? other.name == image->entry.name : same(other);
  }));
  for (auto const& one : removed) {
    if (!one.name.empty()) out << "Untagged: " << shown_name(one) << "\n";
  }
  auto const left = BH_TRY(image::read_names(store));
  if (std::ranges::none_of(left, same)) out << "Deleted: " << image->id().text() << "\n";
  return {};
}

Result<int> rm(Context& context, Options const& options) {
  if (options.words().empty()) return fail(Errc::Invalid, "IMAGE... expected");
  auto const store = BH_TRY(open_store(options));
  for (auto const& word : options.words()) {
    BH_TRY(remove(store, options, word, context.out));
  }
  image::tidy(store);
  return 0;
}

}  // namespace

constinit Command const kImageRm{
    .name = "rm",
    .usage = "image rm [OPTION...] IMAGE...",
    .summary = "Remove names of images, and images without names",
    .example = "bulkhead image rm shop:1",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = rm,
};

}  // namespace bh::cli
