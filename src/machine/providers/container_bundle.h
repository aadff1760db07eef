#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "image/build/overlay.h"
#include "image/build/user.h"
#include "machine/process.h"
#include "machine/secret.h"
#include "machine/wiring.h"
#include "os/memory_folder.h"
#include "os/unique_fd.h"

namespace bh::machine {

struct ContainerOptions {
  std::vector<std::string> layers;  // Folders of the image's layers, the lowest first.
  std::string work_folder;          // Where its own files are, on a disk.
  bool keep = false;                // Its own files stay in that folder.
  bool terminal = false;
  std::string cgroup;  // The path of its group; empty: one of the runtime's choice.
  Wiring wiring;
  std::vector<SecretValue> secrets;
  std::string secrets_folder;  // Where memory with their files may be mounted.
};

/// Why a command cannot be executed, with the exit status a shell has for that.
struct Refusal {
  int status = 0;
  std::string message;
};

/// Looks for a program as the process with these variables and in this folder would. The runtime
/// would say that it is not there in the words and with the status of a runtime.
std::optional<Refusal> exec_refusal(int root, std::string const& program,
                                    std::vector<std::string> const& environment,
                                    std::string const& working_folder);

/// find_user() (image/build/user.h), if this process has such ids to give.
Result<image::build::User> container_user(int root, std::string const& text);

/// A container that bulkhead-oci can run: its root file system, mounted, and config.json beside it.
struct ContainerBundle {
  image::build::Overlay overlay;
  os::UniqueFd root;
  std::optional<Refusal> refusal;  // Then there is no config.json.
  std::optional<os::MemoryFolder> secrets = {};
  std::string private_environment = {};  // A file in there; empty: none.
};

/// Mounts of this process must be its own (Overlay::separate_mounts). Needs root, of a user
/// namespace at least.
Result<ContainerBundle> make_bundle(Definition const& definition, Process const& process,
                                    ContainerOptions const& options);

}  // namespace bh::machine
