#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "image/build/overlay.h"
#include "image/folder_tar.h"

namespace bh::image::build {

/// What one command finds at a path, besides its image.
struct PlacedMount {
  enum class Kind : std::uint8_t { Bind, Memory, Secret };

  Kind kind = Kind::Bind;
  std::string source;   // Of a bind: a path of the host.
  std::string target;   // Absolute.
  std::string options;  // Of memory.
  bool read_only = false;
  std::string value;  // A secret's, in a file in memory.
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mode = 0;
};

struct RunRequest {
  std::vector<std::string> words;
  std::vector<std::string> environment;
  std::string working_folder;
  std::string user;
  std::vector<PlacedMount> mounts;
  std::vector<std::string> secret_variables;  // NAME=VALUE, in nothing that is written to a disk.
};

/// Executes a command in a container whose root is the overlay's, with the host's network, as
/// package managers need it. `runtime` is the program bulkhead-oci.
Result<> run_in_container(Overlay const& overlay, std::string const& runtime,
                          RunRequest const& request);

/// Executes it in a microVM whose root is the disk image `disk`, and writes what that has changed
/// as the tar of a layer. Returns the command's status; the tar is whole if that is 0.
using RunInMicrovm = std::function<Result<int>(RunRequest const& request, std::string const& disk,
                                               TarOutput const& layer)>;

/// Errc::Invalid if a command has not ended well.
Result<> check_status(int status);

}  // namespace bh::image::build
