#include "machine/providers/container.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/build/container_config.h"
#include "image/build/overlay.h"
#include "image/build/root_path.h"
#include "image/build/user.h"
#include "machine/providers/companions.h"
#include "os/child.h"
#include "os/file.h"
#include "os/text_file.h"

namespace bh::machine {

namespace {

constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;

/// Where a program may be: its own path, or its name in each folder of PATH.
std::vector<std::string> places_of(std::string const& program, Process const& process) {
  using image::build::absolute_path;
  if (program.find('/') != program.npos) return {absolute_path(process.working_folder, program)};
  constexpr std::string_view kPath = "PATH=";
  std::string_view path;
  for (std::string_view const variable : process.environment) {
    if (variable.starts_with(kPath)) path = variable.substr(kPath.size());
  }
  std::vector<std::string> places;
  while (!path.empty()) {
    auto const length = path.find(':');
    auto const folder = absolute_path(process.working_folder, path.substr(0, length));
    places.push_back(absolute_path(folder, program));
    path.remove_prefix(length == path.npos ? path.size() : length + 1);
  }
  return places;
}

/// The exit status that a shell has for a program that cannot be executed, having said so; 0 if it
/// can. The runtime would say it in the words and with the status of a runtime.
int exec_failure(int root, Process const& process) {
  auto const& program = process.words.front();
  int status = kNotFound;
  for (auto const& place : places_of(program, process)) {
    auto const file = image::build::open_in_root(root, place, O_PATH);
    struct stat info{};
    if (!file || ::fstat(file->get(), &info) != 0) continue;
    if (S_ISREG(info.st_mode) && (info.st_mode & 0111) != 0) return 0;
    status = kNotExecutable;
  }
  fmt::print(stderr, "bulkhead: run: exec {}: {}\n", program,
             status == kNotFound ? "No such file or directory" : "Permission denied");
  return status;
}

}  // namespace

Result<int> run_container(Definition const& definition, Process const& process,
                          ContainerOptions const& options) {
  using namespace image::build;
  constexpr std::uint64_t kMebibyte = 1 << 20;
  if (::geteuid() != 0) {
    return fail(Errc::Denied,
                "containers without root are not supported yet (use sudo, or --isolation microvm)");
  }
  auto const folder = BH_TRY(program_folder());
  auto const runtime = BH_TRY(find_companion("bulkhead-oci", {folder}));
  BH_TRY(Overlay::separate_mounts());
  auto const overlay = BH_TRY(Overlay::mount(options.layers, options.work_folder));
  auto const root = BH_TRY(os::open_at(AT_FDCWD, overlay.root(), O_PATH | O_DIRECTORY));
  BH_TRY(make_folder_in_root(root.get(), process.working_folder));
  if (int const status = exec_failure(root.get(), process); status != 0) return status;
  auto const user = BH_TRY(find_user(root.get(), process.user));
  auto const name = "run-" + std::to_string(::getpid());
  ContainerConfig config{
      .root = overlay.root(),
      .words = process.words,
      .environment = process.environment,
      .working_folder = process.working_folder,
      .user = user,
      .host_name = definition.host_name.empty() ? "bulkhead" : definition.host_name,
      .terminal = options.terminal,
      .cpus = definition.cpus};
  if (definition.memory_mib) config.memory = *definition.memory_mib * kMebibyte;
  BH_TRY(os::replace_text_at(AT_FDCWD, overlay.folder() + "/config.json", config_json(config)));
  auto child = BH_TRY(os::Child::start(
      {runtime, "--root", overlay.folder() + "/state", "run", "--bundle", overlay.folder(), name}));
  return child.wait();
}

}  // namespace bh::machine
