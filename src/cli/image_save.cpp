#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "cli/image.h"
#include "cli/image_options.h"
#include "image/archive_saver.h"
#include "os/text_file.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kRootOption,
    Option{"--output", "PATH", "The file or folder, instead of standard output", "-o"},
    Option{"--format", "FORMAT", "archive (default; for docker and OCI tools alike) or oci-dir"},
};

Result<int> save(Context& /*context*/, Options const& options) {
  if (options.words().empty()) return fail(Errc::Invalid, "IMAGE... expected");
  auto const format = options.has("--format") ? options.value("--format") : "archive";
  bool const folder = format == "oci-dir";
  if (!folder && format != "archive" && format != "docker-archive" && format != "oci-archive") {
    return fail(Errc::Invalid, "--format \"" + std::string(format) + "\": archive or oci-dir");
  }
  auto const store = BH_TRY(open_store(options));
  std::vector<image::Image> images;
  for (auto const& word : options.words()) {
    auto image = BH_TRY(image::find_image(store, word));
    images.push_back(std::move(image));
  }
  auto const path = std::string(options.value("--output"));
  if (folder) {
    if (path.empty()) return fail(Errc::Invalid, "--format oci-dir needs --output FOLDER");
    BH_TRY(image::save_folder(store, images, path));
    return 0;
  }
  if (path.empty() && ::isatty(STDOUT_FILENO) != 0) {
    return fail(Errc::Invalid, "not to a terminal; write --output FILE, or redirect the output");
  }
  os::UniqueFd out;
  if (path.empty()) {
    out.reset(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  } else {
    out = BH_TRY(os::open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  }
  BH_TRY(image::save_archive(store, images, out));
  return 0;
}

}  // namespace

constinit Command const kImageSave{
    .name = "save",
    .usage = "image save [OPTION...] IMAGE...",
    .summary = "Write images to an archive or an OCI layout's folder",
    .example = "bulkhead image save --output debian.tar debian:12",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = save,
};

}  // namespace bh::cli
