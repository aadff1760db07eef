#include "cli/mount_options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace bh::cli {

namespace {

using Parse = Result<machine::Mount> (*)(std::string_view);

Result<> read_each(Options const& options, std::string_view name, Parse parse,
                   std::vector<machine::Mount>& out) {
  for (auto const& text : options.values(name)) {
    auto mount = parse(text);
    if (!mount) return std::unexpected(std::move(mount).error().while_doing(name));
    out.push_back(std::move(*mount));
  }
  return {};
}

Result<> check(machine::Definition const& definition) {
  for (auto const& mount : definition.mounts) {
    bool const there =
        mount.kind != machine::MountKind::Bind || ::access(mount.source.c_str(), F_OK) == 0;
    if (there) continue;
    return fail(Errc::NotFound, fmt::format("there is no {} to share (make it, or give the NAME of "
                                            "a volume)",
                                            mount.source));
  }
  if (definition.mounts.size() > machine::kMostMounts) {
    return fail(Errc::Invalid, fmt::format("more than {} mounts", machine::kMostMounts));
  }
  auto const shares = std::ranges::count_if(definition.mounts, [](machine::Mount const& mount) {
    return mount.kind != machine::MountKind::Memory;
  });
  if (definition.isolation != machine::Isolation::Microvm ||
      static_cast<std::size_t>(shares) <= machine::kMostShares) {
    return {};
  }
  return fail(Errc::Unsupported,
              fmt::format("a microVM has at most {} volumes and folders (share one folder with "
                          "others in it)",
                          machine::kMostShares));
}

}  // namespace

Result<> read_mounts(Options const& options, machine::Definition& definition) {
  auto& mounts = definition.mounts;
  BH_TRY(read_each(options, "--volume", machine::parse_volume_option, mounts));
  BH_TRY(read_each(options, "--mount", machine::parse_mount_option, mounts));
  BH_TRY(read_each(options, "--tmpfs", machine::parse_tmpfs_option, mounts));
  BH_TRY(machine::order_mounts(mounts));
  for (auto const& text : options.values("--secret")) {
    auto secret = machine::parse_secret_option(text);
    if (!secret) return std::unexpected(std::move(secret).error().while_doing("--secret"));
    definition.secrets.push_back(std::move(*secret));
  }
  BH_TRY(machine::check_secrets(definition.secrets, mounts));
  definition.read_only = options.has("--read-only");
  return check(definition);
}

}  // namespace bh::cli
