#pragma once

#include "base/error.h"
#include "machine/process.h"
#include "machine/providers/container_bundle.h"

namespace bh::machine {

/// Runs the machine of a definition as a container and waits for its end: the command's exit
/// status. Its root file system is a folder above the image's layers that goes with it. Needs root,
/// of a user namespace at least.
///
/// Mounts of this process are its own from then on. In a process of one thread.
Result<int> run_container(Definition const& definition, Process const& process,
                          ContainerOptions const& options);

}  // namespace bh::machine
