#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>

#include "cli/image.h"
#include "cli/image_options.h"
#include "image/garbage.h"
#include "machine/store/store.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kRootOption,
    Option{"--force", "",
           "All names of an image given by its id, and no complaint if there is none", "-f"},
};

/// A machine that starts from this image, whatever it does now. A root without machines has none.
Result<std::optional<machine::Record>> user_of(image::Image const& image, std::string const& root) {
  if (::access((root + "/state.db").c_str(), F_OK) != 0) return std::nullopt;
  auto machines = BH_TRY(machine::Store::open(root));
  auto const all = BH_TRY(machines.all());
  auto const digest = image.entry.manifest.digest.text();
  auto const user = std::ranges::find_if(
      all, [&](machine::Record const& record) { return record.definition.image_digest == digest; });
  if (user == all.end()) return std::nullopt;
  return *user;
}

/// Removes what one word means: a name, or an image with all its names.
Result<> remove(image::Store const& store, std::string const& root, std::string const& word,
                bool force, std::ostream& out) {
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
  bool const last = !by_name || std::ranges::count_if(names, same) == 1;
  auto const user = BH_TRY(user_of(*image, root));
  if (last && user && !force) {
    return fail(Errc::Busy, "\"" + word + "\" is the image of machine " + user->name +
                                " (`bulkhead rm " + user->name + "` first)");
  }
  auto const removed = BH_TRY(image::remove_names(store, [&](image::NamedImage const& other) {
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
  auto const given = options.value("--root");
  auto const root = given.empty() ? image::Store::default_root() : std::string(given);
  auto const store = BH_TRY(open_store(options));
  for (auto const& word : options.words()) {
    BH_TRY(remove(store, root, word, options.has("--force"), context.out));
  }
  // If somebody adds images now, what they do not need is swept another time.
  (void)image::collect_garbage(store, image::Downloads::Keep);
  return 0;
}

}  // namespace

constinit Command const kImageRm{
    .name = "rm",
    .usage = "image rm [OPTION...] IMAGE...",
    .summary = "Remove names of images, and images without names",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = rm,
};

}  // namespace bh::cli
