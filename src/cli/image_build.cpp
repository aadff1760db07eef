#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <system_error>

#include "cli/image.h"
#include "cli/image_transfer.h"
#include "cli/machine_definition.h"
#include "cli/machines.h"
#include "image/build/builder.h"
#include "machine/process.h"
#include "machine/providers/layer_microvm.h"
#include "os/text_file.h"

namespace bh::cli {

namespace {

constexpr std::array kOwnOptions{
    kRootOption,
    kPlatformOption,
    kInsecureOption,
    kCaFileOption,
    kCredsOption,
    Option{"--tag", "NAME", "A name for the image; as often as needed", "-t"},
    Option{"--file", "FILE", "The Dockerfile, instead of the folder's own", "-f"},
    Option{"--build-arg", "NAME=VALUE", "For an ARG; as often as needed"},
    Option{"--secret", "id=NAME[,src=FILE|env=NAME]",
           "For RUN --mount=type=secret: a file, a variable, or one of `secret create`"},
    Option{"--target", "STAGE", "Build that stage, instead of the last"},
    Option{"--no-cache", "", "Do every step again"},
    Option{"--isolation", "HOW", "Where commands run: container (default) or microvm"},
    Option{"--memory", "MIB", "Memory of a microVM; 512 unless said", "-m"},
    Option{"--cpus", "N", "CPUs of a microVM; 1 unless said"},
    Option{"--quiet", "", "Only the id, besides what commands print", "-q"},
};
constexpr auto kOptions = join(kOwnOptions, kMicrovmOptions);

// Package managers need more than a machine usually has.
constexpr std::uint64_t kBuildMemory = 512;  // MiB

Result<std::string> find_runtime() {
  std::error_code error;
  auto const program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail_errno("read /proc/self/exe", error.value());
  auto const path = program.parent_path() / "bulkhead-oci";
  if (::access(path.c_str(), X_OK) == 0) return path.string();
  return fail(Errc::NotFound, fmt::format("{} is missing; it runs the commands", path.string()));
}

/// What --mount says.
Result<> add_mounts(image::build::RunRequest const& request, machine::Microvm& machine) {
  using Kind = image::build::PlacedMount::Kind;
  std::size_t shares = 0;
  for (auto const& mount : request.mounts) {
    if (mount.kind == Kind::Secret) {
      machine.secrets.push_back({.use = {.name = mount.target,
                                         .target = mount.target,
                                         .uid = mount.uid,
                                         .gid = mount.gid,
                                         .mode = mount.mode},
                                 .value = mount.value});
      continue;
    }
    bool const memory = mount.kind == Kind::Memory;
    if (!memory &&
        (!std::filesystem::is_directory(mount.source) || ++shares > machine::kMostShares)) {
      return fail(
          Errc::Unsupported,
          fmt::format("--mount: a microVM has at most {} of the host's folders, and no files "
                      "(use --isolation container)",
                      machine::kMostShares));
    }
    machine.mounts.push_back(
        {.kind = memory ? machine::MountKind::Memory : machine::MountKind::Bind,
         .source = mount.source,
         .target = mount.target,
         .options = mount.options,
         .read_only = mount.read_only});
  }
  for (auto const& variable : request.secret_variables) {
    auto const equals = variable.find('=');
    machine.secrets.push_back({.use = {.name = variable.substr(0, equals),
                                       .kind = machine::SecretKind::Variable,
                                       .target = variable.substr(0, equals)},
                               .value = variable.substr(equals + 1)});
  }
  return machine::order_mounts(machine.mounts);
}

/// As RUN in a container: with the host's network, and without standard input.
Result<image::build::RunInMicrovm> microvms(Options const& options, image::Store const& store) {
  machine::Definition definition;
  definition.isolation = machine::Isolation::Microvm;
  definition.network = machine::NetworkKind::User;
  definition.host_name = "build";
  auto const memory = BH_TRY(memory_of(options));
  definition.memory_mib = memory.value_or(kBuildMemory);
  definition.cpus = BH_TRY(cpus_of(options));
  definition.microvm = BH_TRY(read_microvm_options(options));
  return [definition, folder = store.path() + "/" + image::kBuildFolder](
             image::build::RunRequest const& request, std::string const& disk,
             image::TarOutput const& layer) -> Result<int> {
    machine::Process const process{
        .words = request.words,
        .environment = request.environment,
        .working_folder = request.working_folder.empty() ? "/" : request.working_folder,
        .user = request.user.empty() ? "0" : request.user};
    auto machine = machine::microvm_of(definition, process, disk);
    BH_TRY(add_mounts(request, machine));
    return machine::run_microvm_for_layer(std::move(machine), definition.microvm, folder, layer);
  };
}

Result<std::string> value_of(Options const& options, std::string const& id,
                             std::map<std::string, std::string> const& keys) {
  if (auto const file = keys.find("src"); file != keys.end()) {
    return os::read_text_at(AT_FDCWD, file->second, machine::kLargestSecret);
  }
  if (auto const name = keys.find("env"); name != keys.end()) {
    auto const* const value = std::getenv(name->second.c_str());
    if (value != nullptr) return std::string(value);
    return fail(Errc::NotFound, "there is no variable " + name->second);
  }
  auto machines = BH_TRY(open_machines(options));
  auto const secret = BH_TRY(machines.find_secret(id));
  return machines.read_secret(secret);
}

/// id=NAME[,src=FILE|,env=NAME] of --secret, by id.
Result<std::map<std::string, std::string>> secrets_of(Options const& options) {
  std::map<std::string, std::string> secrets;
  for (auto const& text : options.values("--secret")) {
    std::map<std::string, std::string> keys;
    for (std::size_t at = 0; at < text.size();) {
      auto const end = std::min(text.find(',', at), text.size());
      auto const part = text.substr(at, end - at);
      at = end + 1;
      auto const equals = std::min(part.find('='), part.size());
      auto const key = part.substr(0, equals) == "source" ? "src" : part.substr(0, equals);
      if (key != "id" && key != "src" && key != "env" && key != "type") {
        return fail(Errc::Invalid, "--secret \"" + text + "\": id=NAME[,src=FILE] is expected");
      }
      keys[key] = part.substr(std::min(equals + 1, part.size()));
    }
    if (keys["id"].empty()) return fail(Errc::Invalid, "--secret \"" + text + "\": id is expected");
    auto value = value_of(options, keys["id"], keys);
    if (!value) return std::unexpected(std::move(value).error().while_doing("--secret"));
    secrets[keys["id"]] = std::move(*value);
  }
  return secrets;
}

Result<int> build(Context& context, Options const& options) {
  BH_TRY(need_words(options, 1, 1, "one FOLDER"));
  image::build::BuildOptions wanted;
  wanted.context = options.words()[0];
  wanted.dockerfile = options.value("--file");
  wanted.target = options.value("--target");
  wanted.uses_cache = !options.has("--no-cache");
  wanted.transfer = BH_TRY(transfer_options(options));
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
  auto const secrets = BH_TRY(secrets_of(options));
  wanted.find_secret = [&](std::string const& id) -> Result<std::string> {
    if (auto const found = secrets.find(id); found != secrets.end()) return found->second;
    return fail(Errc::NotFound, "there is no secret \"" + id + "\" for this build (--secret id=" +
                                    id + ",src=FILE; or without src one of `bulkhead secret ls`)");
  };
  bool const quiet = options.has("--quiet");
  wanted.say = [&](std::string const& line) {
    // At once: commands write to the same terminal.
    if (!quiet) context.out << line << "\n" << std::flush;
  };
  auto const store = BH_TRY(open_store(options));
  auto isolation = machine::Isolation::Container;
  if (options.has("--isolation")) {
    isolation = BH_TRY(machine::parse_isolation(options.value("--isolation")));
  }
  if (isolation == machine::Isolation::Microvm) {
    wanted.run_in_microvm = BH_TRY(microvms(options, store));
  } else {
    wanted.runtime = BH_TRY(find_runtime());
  }
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
    .summary = "Make an image as a Dockerfile says, its commands in containers or microVMs",
    .example = "bulkhead image build --tag shop:1 --build-arg VERSION=1.2 .",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = build,
};

}  // namespace bh::cli
