#include <array>
#include <set>
#include <string>
#include <vector>

#include "cli/image.h"
#include "cli/image_options.h"
#include "cli/image_users.h"
#include "image/garbage.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kRootOption,
    Option{"--all", "", "All images that no machine starts from, not only those without a name",
           "-a"},
    Option{"--force", "", "Accepted for scripts written for docker; nothing is asked", "-f"},
};

Result<std::vector<image::NamedImage>> remove_unused(image::Store const& store,
                                                     Options const& options, bool all) {
  auto const names = BH_TRY(image::lock_names(store));
  auto const users = BH_TRY(image_users(options));
  std::set<std::string> used;
  for (auto const& user : users) used.insert(user.definition.image_digest);
  return image::remove_names(store, names, [&](image::NamedImage const& image) {
    return (all || image.name.empty()) && !used.contains(image.manifest.digest.text());
  });
}

Result<int> prune(Context& context, Options const& options) {
  BH_TRY(need_words(options, 0, 0, "options"));
  auto const store = BH_TRY(open_store(options));
  bool const all = options.has("--all");
  auto const collecting = BH_TRY(store.begin_collecting());
  auto const removed = BH_TRY(remove_unused(store, options, all));
  auto const swept = BH_TRY(image::collect_garbage(store, collecting, image::Downloads::Remove));
  if (!removed.empty()) context.out << "Deleted Images:\n";
  for (auto const& one : removed) {
    if (!one.name.empty()) context.out << "untagged: " << shown_name(one) << "\n";
    context.out << "deleted: " << one.manifest.digest.text() << "\n";
  }
  context.out << (removed.empty() ? "" : "\n")
              << "Total reclaimed space: " << docker_size(swept.bytes) << "\n";
  return 0;
}

}  // namespace

constinit Command const kImagePrune{
    .name = "prune",
    .usage = "image prune [OPTION...]",
    .summary = "Remove images without a name, half-finished downloads and all that nobody needs",
    .example = "bulkhead image prune",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = prune,
};

}  // namespace bh::cli
