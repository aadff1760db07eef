#include "machine/providers/companions.h"

#include <unistd.h>

#include <cstdlib>
#include <system_error>

namespace bh::machine {

Result<std::filesystem::path> program_folder() {
  std::error_code error;
  auto const program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail_errno("read /proc/self/exe", error.value());
  return program.parent_path();
}

Result<std::string> find_companion(std::string_view name,
                                   std::initializer_list<std::filesystem::path> places) {
  for (auto const& place : places) {
    auto const path = place / name;
    if (::access(path.c_str(), X_OK) == 0) return path.string();
  }
  return fail(Errc::NotFound, "find " + std::string(name) + ": it is not in " +
                                  places.begin()->string() +
                                  " (install it there, or make it with ./dev build)");
}

std::filesystem::path cache_folder() {
  auto const* const cache = std::getenv("XDG_CACHE_HOME");
  auto const* const home = std::getenv("HOME");
  bool const given = cache != nullptr && cache[0] == '/';
  if (!given && (home == nullptr || home[0] != '/')) return {};
  auto const folder =
      (given ? std::filesystem::path(cache) : std::filesystem::path(home) / ".cache") / "bulkhead";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  return error ? std::filesystem::path() : folder;
}

Result<std::string> find_guest_kernel() {
  auto const folder = BH_TRY(program_folder());
  auto const* const cache = std::getenv("BULKHEAD_CACHE");
  auto const made = (cache != nullptr ? std::filesystem::path(cache) : cache_folder()) / "kernel" /
                    "tuned" / "vmlinux";
  for (auto const& path : {folder / ".." / "share" / "bulkhead" / "vmlinux", made}) {
    if (::access(path.c_str(), R_OK) == 0) return path.string();
  }
  return fail(Errc::NotFound, "find a kernel for guests: no " + made.string() +
                                  " (make it with ./dev guest-kernel, or say --kernel FILE)");
}

}  // namespace bh::machine
