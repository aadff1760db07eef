#include "image/build/run_step.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "image/build/container_config.h"
#include "image/build/mount_points.h"
#include "image/build/user.h"
#include "os/child.h"
#include "os/memory_folder.h"
#include "os/text_file.h"

namespace bh::image::build {

namespace {

/// The mounts of a request, secrets in memory at `folder`.
Result<std::optional<os::MemoryFolder>> add_mounts(RunRequest const& request,
                                                   std::string const& folder,
                                                   ContainerConfig& config,
                                                   std::vector<std::string>& words) {
  std::optional<os::MemoryFolder> memory;
  bool const secret = !request.secret_variables.empty() ||
                      std::ranges::find(request.mounts, PlacedMount::Kind::Secret,
                                        &PlacedMount::kind) != request.mounts.end();
  if (secret) {
    auto made = BH_TRY(os::MemoryFolder::mount(folder));
    memory.emplace(std::move(made));
  }
  for (std::size_t i = 0; i < request.mounts.size(); ++i) {
    auto const& mount = request.mounts[i];
    if (mount.kind == PlacedMount::Kind::Memory) {
      std::vector<std::string> options{"nosuid", "nodev"};
      if (!mount.options.empty()) options.push_back(mount.options);
      config.mounts.push_back(
          {.target = mount.target, .type = "tmpfs", .source = "tmpfs", .options = options});
      continue;
    }
    auto source = mount.source;
    if (mount.kind == PlacedMount::Kind::Secret) {
      source = BH_TRY(memory->add(std::to_string(i), mount.value,
                                  {.uid = mount.uid, .gid = mount.gid, .mode = mount.mode}));
    }
    bool const writable = mount.kind == PlacedMount::Kind::Bind && !mount.read_only;
    config.mounts.push_back({.target = mount.target,
                             .type = "bind",
                             .source = source,
                             .options = {"bind", writable ? "rw" : "ro"}});
  }
  std::string text;
  for (auto const& variable : request.secret_variables) text += variable + '\0';
  if (!text.empty()) {
    auto const file = BH_TRY(memory->add("environment", text, {}));
    words.insert(words.end(), {"--private-env", file});
  }
  return memory;
}

}  // namespace

Result<> check_status(int status) {
  if (status == 0) return {};
  return fail(Errc::Invalid, "the command ended with status " + std::to_string(status));
}

Result<> run_in_container(Overlay const& overlay, std::string const& runtime,
                          RunRequest const& request) {
  auto const root = BH_TRY(os::open_at(AT_FDCWD, overlay.root(), O_PATH | O_DIRECTORY));
  ContainerConfig config{.root = overlay.root(),
                         .words = request.words,
                         .environment = request.environment,
                         .host_name = "build",
                         .host_network = true};
  if (!request.working_folder.empty()) config.working_folder = request.working_folder;
  auto const user = BH_TRY(find_user(root.get(), request.user.empty() ? "0" : request.user));
  config.user = user;
  std::vector<std::string> words{runtime, "--root",   overlay.folder() + "/state",
                                 "run",   "--bundle", overlay.folder()};
  auto const memory = BH_TRY(add_mounts(request, overlay.folder() + "/secrets", config, words));
  words.push_back("build-" + std::to_string(::getpid()));
  MountPoints points(root.get());
  for (auto const* const file : kHostFiles) points.expect(file);
  for (auto const& mount : request.mounts) points.expect(mount.target);
  BH_TRY(os::replace_text_at(AT_FDCWD, overlay.folder() + "/config.json", config_json(config)));
  auto child = BH_TRY(os::Child::start(words));
  int const status = BH_TRY(child.wait());
  points.remove();
  return check_status(status);
}

}  // namespace bh::image::build
