#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "base/error.h"
#include "machine/microvm_options.h"
#include "machine/providers/microvm.h"

namespace bh::machine {

/// Takes the next bytes of a tar.
using LayerOutput = std::function<Result<>(std::span<std::byte const>)>;

/// Runs a microVM to the end of its command, with our standard output and error. If the status it
/// returns is 0, `layer` has got all that the command changed of the image's files, as an OCI layer
/// made by the guest: do not trust it. What is written meanwhile is on a disk in `work_folder`. In
/// a process of one thread.
Result<int> run_microvm_for_layer(Microvm machine, MicrovmOptions const& options,
                                  std::string const& work_folder, LayerOutput const& layer);

}  // namespace bh::machine
