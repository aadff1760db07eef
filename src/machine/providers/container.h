#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "machine/process.h"

namespace bh::machine {

struct ContainerOptions {
  std::vector<std::string> layers;  // Folders of the image's layers, the lowest first.
  std::string work_folder;          // Where its own files are, on a disk.
  bool terminal = false;
};

/// Runs the machine of a definition as a container and waits for its end: the command's exit
/// status. Its root file system is a folder above the image's layers that goes with it. Needs root.
///
/// Mounts of this process are its own from then on. In a process of one thread.
Result<int> run_container(Definition const& definition, Process const& process,
                          ContainerOptions const& options);

}  // namespace bh::machine
