#include "image/build/placed_mounts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "image/build/root_path.h"
#include "image/build/run_mount.h"
#include "os/folder.h"
#include "os/text_file.h"

namespace bh::image::build {

Result<> PlacedMounts::add_bind(RunMount const& mount, Store const& store,
                                BuildOptions const& options,
                                StageBuilder::FindSource const& find_source) {
  auto root_path = options.context;
  if (!mount.from.empty()) {
    auto const state = BH_TRY(find_source(mount.from));
    auto overlay = BH_TRY(mount_state(store, state));
    root_path = overlays_.emplace_back(std::move(overlay)).root();
  }
  auto const root = BH_TRY(os::open_at(AT_FDCWD, root_path, O_RDONLY | O_DIRECTORY));
  auto const source = absolute_path("/", mount.source);
  CopyRequest const request{.sources = {source}, .destination = "/", .mode = {}, .owner = {}};
  auto const content = BH_TRY(CopySource::read(root, request, nullptr, store.path()));
  auto const file = BH_TRY(open_in_root(root.get(), source, O_PATH));
  std::error_code error;
  auto const path =
      std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file.get()), error);
  if (error) return fail_errno("find " + source, error.value());
  mounts_.push_back({.kind = PlacedMount::Kind::Bind,
                     .source = path.string(),
                     .target = mount.target,
                     .read_only = true});
  key_ += "bind " + mount.target + " " + content.digest().text() + "\n";
  return {};
}

Result<> PlacedMounts::add_cache(RunMount const& mount, Store const& store) {
  auto const folder = store.path() + "/" + kCachesFolder + "/" + Digest::of(mount.id).hex();
  BH_TRY(os::make_folders(store.path() + "/" + kCachesFolder, 0700));
  if (mount.locked) {
    auto lock = BH_TRY(os::FileLock::lock(AT_FDCWD, folder + ".lock", os::LockKind::Exclusive));
    locks_.push_back(std::move(lock));
  }
  if (::mkdir(folder.c_str(), 0755) == 0) {
    if (::chown(folder.c_str(), mount.uid, mount.gid) != 0) return fail_errno("chown", errno);
    if (mount.mode) ::chmod(folder.c_str(), *mount.mode);
  } else if (errno != EEXIST) {
    return fail_errno("make " + folder, errno);
  }
  mounts_.push_back({.kind = PlacedMount::Kind::Bind, .source = folder, .target = mount.target});
  key_ += "cache " + mount.target + " " + mount.id + "\n";
  return {};
}

Result<> PlacedMounts::add_secret(RunMount const& mount, BuildOptions const& options) {
  key_ += "secret " + mount.id + " " + mount.target + " " + mount.variable + "\n";
  auto const value = options.find_secret(mount.id);
  bool const absent = !value && value.error().code == Errc::NotFound;
  if (absent && !mount.required) return {};
  if (!value) return std::unexpected(value.error());
  if (!mount.variable.empty()) variables_.push_back(mount.variable + "=" + *value);
  if (mount.target.empty()) return {};
  constexpr std::uint32_t kMode = 0400;
  mounts_.push_back({.kind = PlacedMount::Kind::Secret,
                     .target = mount.target,
                     .value = *value,
                     .uid = mount.uid,
                     .gid = mount.gid,
                     .mode = mount.mode.value_or(kMode)});
  return {};
}

Result<> PlacedMounts::add(RunMount const& mount, Store const& store, BuildOptions const& options,
                           StageBuilder::FindSource const& find_source) {
  switch (mount.kind) {
    case RunMount::Kind::Bind: return add_bind(mount, store, options, find_source);
    case RunMount::Kind::Cache: return add_cache(mount, store);
    case RunMount::Kind::Secret: return add_secret(mount, options);
    case RunMount::Kind::Memory: break;
  }
  mounts_.push_back(
      {.kind = PlacedMount::Kind::Memory, .target = mount.target, .options = mount.options});
  key_ += "tmpfs " + mount.target + "\n";
  return {};
}

Result<PlacedMounts> PlacedMounts::place(Instruction const& instruction, StageState const& state,
                                         Store const& store, BuildOptions const& options,
                                         StageBuilder::FindSource const& find_source) {
  PlacedMounts placed;
  auto const variables = variables_of(state);
  auto const& before = state.config.working_folder;
  auto const [first, last] = instruction.flags.equal_range("mount");
  for (auto flag = first; flag != last; ++flag) {
    auto const text = BH_TRY(expanded(flag->second, variables));
    auto mount = BH_TRY(parse_run_mount(text));
    if (!mount.target.empty()) {
      mount.target = absolute_path(before.empty() ? "/" : before, mount.target);
    }
    if (mount.target == "/") return fail(Errc::Invalid, "--mount: the root is the image's");
    BH_TRY(placed.add(mount, store, options, find_source));
  }
  return placed;
}

}  // namespace bh::image::build
