#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "cli/image.h"
#include "cli/image_options.h"
#include "image/config_change.h"
#include "image/importer.h"
#include "os/file.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kRootOption,
    kPlatformOption,
    Option{"--change", "LINE", "A Dockerfile's line, as 'CMD [\"sh\"]'; as often as needed", "-c"},
};

Result<image::NamedImage> import_path(image::Store const& store, std::string const& path,
                                      image::ImageConfig config, std::string const& name) {
  if (path == "-") {
    os::UniqueFd input(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
    return image::import_tar(store, std::make_unique<image::FileSource>(std::move(input)),
                             std::move(config), name);
  }
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    return image::import_folder(store, path, image::Owners::AsTheyAre, std::move(config), name);
  }
  auto file = BH_TRY(os::open_file(path, O_RDONLY));
  return image::import_tar(store, std::make_unique<image::FileSource>(std::move(file)),
                           std::move(config), name);
}

Result<int> import(Context& context, Options const& options) {
  BH_TRY(need_words(options, 1, 2, "FILE|FOLDER|- and maybe a NAME"));
  auto const store = BH_TRY(open_store(options));
  image::ImageConfig config;
  config.platform = BH_TRY(platform_of(options));
  for (auto const& line : options.values("--change")) {
    BH_TRY(image::apply_change(config, line));
  }
  std::string name;
  if (options.words().size() == 2) name = BH_TRY(name_to_give(options.words()[1]));
  auto const& path = options.words()[0];
  auto const imported = import_path(store, path, std::move(config), name);
  if (!imported) return std::unexpected(Error(imported.error()).while_doing(path));
  auto const image = BH_TRY(image::load_image(store, *imported));
  context.out << image.id().text() << "\n";
  return 0;
}

}  // namespace

constinit Command const kImageImport{
    .name = "import",
    .usage = "image import [OPTION...] FILE|FOLDER|- [NAME]",
    .summary = "Make an image of a tar or a folder of a root file system",
    .example = "bulkhead image import rootfs.tar mine:1",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = import,
};

}  // namespace bh::cli
