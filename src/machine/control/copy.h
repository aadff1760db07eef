#pragma once

#include "base/error.h"
#include "image/folder_tar.h"
#include "image/layer_reader.h"
#include "machine/control/client.h"
#include "machine/copy/request.h"

namespace bh::machine {

/// Asks for files of a running machine and gives them to `sink`. What comes is the machine's word:
/// checked entries, whose names `sink` has to keep where they may be.
Result<> copy_from(Connection& connection, CopyRequest const& request, image::LayerSink& sink);

/// Writes a tar, with the function it is given.
using TarWriter = std::function<Result<>(image::TarOutput const& write)>;

/// Asks a running machine to take files, and sends them.
Result<> copy_to(Connection& connection, CopyRequest const& request, TarWriter const& write_tar);

}  // namespace bh::machine
