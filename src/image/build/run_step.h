#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "image/build/overlay.h"

namespace bh::image::build {

struct RunRequest {
  std::string runtime;  // The program bulkhead-oci.
  std::vector<std::string> words;
  std::vector<std::string> environment;
  std::string working_folder;
  std::string user;
};

/// Executes a command in a container whose root is the overlay's, with the host's network, as
/// package managers need it. Errc::Invalid with its status if it does not end well.
Result<> run_in(Overlay const& overlay, RunRequest const& request);

}  // namespace bh::image::build
