#include "machine/providers/container_bundle.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "image/build/container_config.h"
#include "image/build/root_path.h"
#include "os/file.h"
#include "os/id_map.h"
#include "os/text_file.h"

namespace bh::machine {

namespace {

constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;

/// Where a program may be: its own path, or its name in each folder of PATH.
std::vector<std::string> places_of(std::string const& program,
                                   std::vector<std::string> const& environment,
                                   std::string const& working_folder) {
  using image::build::absolute_path;
  if (program.find('/') != program.npos) return {absolute_path(working_folder, program)};
  constexpr std::string_view kPath = "PATH=";
  std::string_view path;
  for (std::string_view const variable : environment) {
    if (variable.starts_with(kPath)) path = variable.substr(kPath.size());
  }
  std::vector<std::string> places;
  while (!path.empty()) {
    auto const length = path.find(':');
    auto const folder = absolute_path(working_folder, path.substr(0, length));
    places.push_back(absolute_path(folder, program));
    path.remove_prefix(length == path.npos ? path.size() : length + 1);
  }
  return places;
}

image::build::ContainerMount container_mount(Mount const& mount, bool mapped) {
  if (mount.kind == MountKind::Memory) {
    std::vector<std::string> options{"nosuid", "nodev", "noexec", mount.read_only ? "ro" : "rw"};
    for (std::string_view rest = mount.options; !rest.empty();) {
      auto const length = std::min(rest.find(','), rest.size());
      options.emplace_back(rest.substr(0, length));
      rest.remove_prefix(std::min(length + 1, rest.size()));
    }
    return {.target = mount.target, .type = "tmpfs", .source = "tmpfs", .options = options};
  }
  // With what is mounted below it: in a user namespace the kernel lets nobody look under mounts.
  if (mapped) {
    return {.target = mount.target,
            .type = "bind",
            .source = mount.source,
            .options = {"rbind", mount.read_only ? "rro" : "rw"}};
  }
  // Without it, as a microVM has it.
  return {.target = mount.target,
          .type = "bind",
          .source = mount.source,
          .options = {"bind", mount.read_only ? "ro" : "rw"}};
}

/// Files beside the root that the container sees in it.
Result<> add_name_files(Wiring const& wiring, std::string const& folder,
                        image::build::ContainerConfig& config) {
  auto const hosts = folder + "/hosts";
  auto const resolver = folder + "/resolv.conf";
  BH_TRY(os::replace_text_at(AT_FDCWD, hosts, hosts_text(wiring, config.host_name)));
  BH_TRY(os::replace_text_at(AT_FDCWD, resolver, resolver_text(wiring)));
  for (auto const& [source, target] :
       {std::pair(hosts, "/etc/hosts"), std::pair(resolver, "/etc/resolv.conf")}) {
    config.mounts.push_back(
        {.target = target, .type = "bind", .source = source, .options = {"bind"}});
  }
  return {};
}

/// Files in memory that the container sees in it. Values are in nothing else that is written.
Result<> add_secrets(ContainerOptions const& options, ContainerBundle& bundle,
                     image::build::ContainerConfig& config) {
  if (options.secrets.empty()) return {};
  auto memory = BH_TRY(os::MemoryFolder::mount(options.secrets_folder));
  auto& folder = bundle.secrets.emplace(std::move(memory));
  if (needs_secrets_folder(options.secrets)) {
    config.mounts.push_back({.target = kSecretsFolder,
                             .type = "tmpfs",
                             .source = "tmpfs",
                             .options = {"nosuid", "nodev", "noexec", "mode=755"}});
  }
  for (std::size_t i = 0; i < options.secrets.size(); ++i) {
    auto const& [use, value] = options.secrets[i];
    if (use.kind != SecretKind::File) continue;
    auto const path = BH_TRY(
        folder.add(std::to_string(i), value, {.uid = use.uid, .gid = use.gid, .mode = use.mode}));
    config.mounts.push_back({.target = use.target,
                             .type = "bind",
                             .source = path,
                             .options = {"bind", "ro", "nosuid", "nodev", "noexec"}});
  }
  std::string text;
  for (auto const& variable : variables_of(options.secrets)) text += variable + '\0';
  if (!text.empty()) bundle.private_environment = BH_TRY(folder.add("environment", text, {}));
  return {};
}

}  // namespace

std::optional<Refusal> exec_refusal(int root, std::string const& program,
                                    std::vector<std::string> const& environment,
                                    std::string const& working_folder) {
  int status = kNotFound;
  for (auto const& place : places_of(program, environment, working_folder)) {
    auto const file = image::build::open_in_root(root, place, O_PATH);
    struct stat info{};
    if (!file || ::fstat(file->get(), &info) != 0) continue;
    if (S_ISREG(info.st_mode) && (info.st_mode & 0111) != 0) return std::nullopt;
    status = kNotExecutable;
  }
  auto const* const why = status == kNotFound ? "No such file or directory" : "Permission denied";
  return Refusal{.status = status, .message = "exec " + program + ": " + why};
}

Result<image::build::User> container_user(int root, std::string const& text) {
  auto const user = BH_TRY(image::build::find_user(root, text));
  auto const maps = BH_TRY(os::own_id_maps());
  if (os::outside_id(maps.users, user.uid) >= 0 && os::outside_id(maps.groups, user.gid) >= 0) {
    return user;
  }
  return fail(Errc::Unsupported,
              fmt::format("run as user {} and group {}: without root a container has the ids that "
                          "/etc/subuid and /etc/subgid give its user, and these are not among them "
                          "(root can give more; --user root needs none)",
                          user.uid, user.gid));
}

Result<ContainerBundle> make_bundle(Definition const& definition, Process const& process,
                                    ContainerOptions const& options) {
  using namespace image::build;
  constexpr std::uint64_t kMebibyte = 1 << 20;
  auto overlay = BH_TRY(options.keep ? Overlay::mount_kept(options.layers, options.work_folder)
                                     : Overlay::mount(options.layers, options.work_folder));
  auto root = BH_TRY(os::open_at(AT_FDCWD, overlay.root(), O_PATH | O_DIRECTORY));
  ContainerBundle bundle{
      .overlay = std::move(overlay), .root = std::move(root), .refusal = std::nullopt};
  BH_TRY(make_folder_in_root(bundle.root.get(), process.working_folder));
  bundle.refusal = exec_refusal(bundle.root.get(), process.words.front(), process.environment,
                                process.working_folder);
  if (bundle.refusal) return bundle;
  auto const user = BH_TRY(container_user(bundle.root.get(), process.user));
  ContainerConfig config{
      .root = bundle.overlay.root(),
      .words = process.words,
      .environment = process.environment,
      .working_folder = process.working_folder,
      .user = user,
      .host_name = definition.host_name.empty() ? "bulkhead" : definition.host_name,
      .terminal = options.terminal,
      .cgroup = options.cgroup,
      .cpus = definition.cpus,
      .network_namespace = options.wiring.name_space};
  // Who mounts others there gets those.
  if (!options.wiring.cards.empty()) {
    BH_TRY(add_name_files(options.wiring, bundle.overlay.folder(), config));
  }
  auto const maps = BH_TRY(os::own_id_maps());
  for (auto const& mount : definition.mounts) {
    config.mounts.push_back(container_mount(mount, os::are_mapped(maps)));
  }
  BH_TRY(add_secrets(options, bundle, config));
  config.read_only = definition.read_only;
  if (definition.memory_mib) config.memory = *definition.memory_mib * kMebibyte;
  BH_TRY(
      os::replace_text_at(AT_FDCWD, bundle.overlay.folder() + "/config.json", config_json(config)));
  return bundle;
}

}  // namespace bh::machine
