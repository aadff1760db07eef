#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "image/config.h"
#include "machine/definition.h"

namespace bh::machine {

/// What a machine executes: what its image says with what its definition changes of it.
struct Process {
  std::vector<std::string> words;        // Not empty.
  std::vector<std::string> environment;  // NAME=VALUE, each name once; PATH is among them.
  std::string working_folder;            // Absolute.
  std::string user;                      // USER[:GROUP], names or numbers of the image.
};

/// Errc::Invalid if neither says what to execute.
Result<Process> process_of(Definition const& definition, image::ImageConfig const& config);

}  // namespace bh::machine
