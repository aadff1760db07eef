#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "image/build/run_step.h"
#include "image/build/variables.h"
#include "image/names.h"
#include "image/registry/transfer.h"
#include "image/store.h"

namespace bh::image::build {

struct BuildOptions {
  std::string context;            // A folder.
  std::string dockerfile;         // Its path; empty for Dockerfile in the context.
  std::vector<std::string> tags;  // Full names.
  Variables arguments;            // For its ARGs.
  std::string target;             // A stage's name or number; empty for the last.
  /// The value of a secret of RUN --mount; Errc::NotFound if there is none of that name.
  std::function<Result<std::string>(std::string const& id)> find_secret;
  bool uses_cache = true;
  RunInMicrovm run_in_microvm;  // Empty: in containers
  std::string runtime;          // of this program, bulkhead-oci.
  registry::TransferOptions transfer;
  std::function<void(std::string const&)> say;  // Takes a line on how far it is.
};

/// Builds an image as a Dockerfile says, which needs root: files are copied into mounted layers.
/// The process must have but one thread, and has mounts of its own from now on.
Result<NamedImage> build(Store const& store, BuildOptions const& options);

}  // namespace bh::image::build
