#include "image/build/run_step.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/build/container_config.h"
#include "image/build/user.h"
#include "os/child.h"
#include "os/text_file.h"

namespace bh::image::build {

namespace {

/// Files that the container's mounts had to stand on, and that the image did not have.
void remove_mount_points(Overlay const& overlay) {
  for (auto const* const file : kHostFiles) {
    auto const path = overlay.upper() + file;
    struct stat info{};
    if (::lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_size == 0) {
      ::unlink((overlay.root() + file).c_str());
    }
  }
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
  BH_TRY(os::replace_text_at(AT_FDCWD, overlay.folder() + "/config.json", config_json(config)));
  auto child =
      BH_TRY(os::Child::start({runtime, "--root", overlay.folder() + "/state", "run", "--bundle",
                               overlay.folder(), "build-" + std::to_string(::getpid())}));
  int const status = BH_TRY(child.wait());
  remove_mount_points(overlay);
  return check_status(status);
}

}  // namespace bh::image::build
