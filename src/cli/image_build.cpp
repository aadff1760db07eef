#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <system_error>

#include "cli/image.h"
#include "cli/image_transfer.h"
#include "image/build/builder.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kRootOption,
    kPlatformOption,
    kInsecureOption,
    kCaFileOption,
    kCredsOption,
    Option{"--tag", "NAME", "A name for the image; as often as needed", "-t"},
    Option{"--file", "FILE", "The Dockerfile, instead of the folder's own", "-f"},
    Option{"--build-arg", "NAME=VALUE", "For an ARG; as often as needed"},
    Option{"--target", "STAGE", "Build that stage, instead of the last"},
    Option{"--no-cache", "", "Do every step again"},
    Option{"--quiet", "", "Only the id, besides what commands print", "-q"},
};

Result<std::string> find_runtime() {
  std::error_code error;
  auto const program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail_errno("read /proc/self/exe", error.value());
  auto const path = program.parent_path() / "bulkhead-oci";
  if (::access(path.c_str(), X_OK) == 0) return path.string();
  return fail(Errc::NotFound, fmt::format("{} is missing; it runs the commands", path.string()));
}

Result<int> build(Context& context, Options const& options) {
  BH_TRY(need_words(options, 1, 1, "one FOLDER"));
  image::build::BuildOptions wanted;
  wanted.context = options.words()[0];
  wanted.dockerfile = options.value("--file");
  wanted.target = options.value("--target");
  wanted.uses_cache = !options.has("--no-cache");
  wanted.transfer = BH_TRY(transfer_options(options));
  wanted.runtime = BH_TRY(find_runtime());
  for (auto const& tag : options.values("--tag")) {
    auto name = BH_TRY(name_to_give(tag));
    wanted.tags.push_back(std::move(name));
  }
  for (auto const& argument : options.values("--build-arg")) {
    auto const equals = argument.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(Errc::Invalid, "--build-arg \"" + argument + "\": NAME=VALUE is expected");
    }
    wanted.arguments[argument.substr(0, equals)] = argument.substr(equals + 1);
  }
  bool const quiet = options.has("--quiet");
  wanted.say = [&](std::string const& line) {
    // At once: commands write to the same terminal.
    if (!quiet) context.out << line << "\n" << std::flush;
  };
  auto const store = BH_TRY(open_store(options));
  auto const built = BH_TRY(image::build::build(store, wanted));
  auto const image = BH_TRY(image::load_image(store, built));
  if (quiet) {
    context.out << image.id().text() << "\n";
    return 0;
  }
  context.out << "Successfully built " << image.id().short_hex() << "\n";
  for (auto const& tag : options.values("--tag")) {
    context.out << "Successfully tagged " << tag << "\n";
  }
  return 0;
}

}  // namespace

constinit Command const kImageBuild{
    .name = "build",
    .usage = "image build [OPTION...] FOLDER",
    .summary = "Make an image as a Dockerfile says, its commands in containers",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = build,
};

}  // namespace bh::cli
