#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <set>
#include <vector>

#include "cli/image.h"
#include "cli/image_options.h"
#include "image/json.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kRootOption,
    kJsonOption,
    Option{"--quiet", "", "Only ids", "-q"},
    Option{"--all", "", "Those without a name, too", "-a"},
    Option{"--no-trunc", "", "Whole ids"},
    Option{"--digests", "", "A column of manifests' digests"},
};

struct Row {
  std::string repository = "<none>";
  std::string tag = "<none>";
  std::string digest;
  std::string id;
  std::string created;
  std::string size;
};

Row row_of(image::Image const& image, bool whole) {
  Row row;
  if (auto const reference = image::Reference::parse(image.entry.name)) {
    row.repository = reference->familiar_repository();
    row.tag = reference->tag.empty() ? "<none>" : reference->tag;
  }
  row.digest = image.entry.pulled.value_or(image.entry.manifest.digest).text();
  row.id = whole ? image.id().text() : image.id().short_hex();
  row.created = age_of(image.config.created);
  row.size = docker_size(image.size());
  return row;
}

void print_table(std::ostream& out, std::vector<image::Image> const& images, bool digests,
                 bool whole) {
  Row const head{"REPOSITORY", "TAG", "DIGEST", "IMAGE ID", "CREATED", "SIZE"};
  std::vector<Row> rows{head};
  for (auto const& image : images) rows.push_back(row_of(image, whole));
  auto const width = [&](std::string Row::* column) {
    std::size_t most = 0;
    for (auto const& row : rows) most = std::max(most, (row.*column).size());
    return most;
  };
  for (auto const& row : rows) {
    auto line = fmt::format("{:<{}}   {:<{}}   ", row.repository, width(&Row::repository), row.tag,
                            width(&Row::tag));
    if (digests) line += fmt::format("{:<{}}   ", row.digest, width(&Row::digest));
    line += fmt::format("{:<{}}   {:<{}}   {}", row.id, width(&Row::id), row.created,
                        width(&Row::created), row.size);
    out << line << "\n";
  }
}

boost::json::object json_of(image::Image const& image) {
  return {{"name", image.entry.name},
          {"id", image.id().text()},
          {"digest", image.entry.manifest.digest.text()},
          {"platform", image.config.platform.text()},
          {"created", image.config.created},
          {"size", image.size()}};
}

Result<int> ls(Context& context, Options const& options) {
  BH_TRY(need_words(options, 0, 1, "one NAME"));
  auto const store = BH_TRY(open_store(options));
  auto images = BH_TRY(image::load_images(store));
  if (!options.has("--all")) {
    std::erase_if(images, [](image::Image const& image) { return image.entry.name.empty(); });
  }
  if (!options.words().empty()) {
    auto const wanted = BH_TRY(image::Reference::parse(options.words()[0]));
    bool const any_tag = options.words()[0].find(':') == std::string::npos;
    std::erase_if(images, [&](image::Image const& image) {
      auto const reference = image::Reference::parse(image.entry.name);
      return !reference || reference->familiar_repository() != wanted.familiar_repository() ||
             (!any_tag && reference->tag != wanted.tag);
    });
  }
  std::ranges::sort(images, [](image::Image const& a, image::Image const& b) {
    return a.config.created != b.config.created ? a.config.created > b.config.created
                                                : a.entry.name < b.entry.name;
  });
  if (options.has("--json")) {
    boost::json::array array;
    for (auto const& image : images) array.push_back(json_of(image));
    context.out << image::pretty(array);
  } else if (options.has("--quiet")) {
    std::set<image::Digest> seen;
    for (auto const& image : images) {
      if (!seen.insert(image.id()).second) continue;
      context.out << (options.has("--no-trunc") ? image.id().text() : image.id().short_hex())
                  << "\n";
    }
  } else {
    print_table(context.out, images, options.has("--digests"), options.has("--no-trunc"));
  }
  return 0;
}

}  // namespace

constinit Command const kImageLs{
    .name = "ls",
    .usage = "image ls [OPTION...] [NAME]",
    .summary = "List images",
    .example = "bulkhead image ls debian",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = ls,
};

}  // namespace bh::cli
