#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "image/build/copy_step.h"
#include "image/build/dockerfile.h"
#include "image/build/variables.h"
#include "image/registry/http.h"
#include "os/temporary_folder.h"

namespace bh::image::build {

/// Sources of COPY and ADD that are files of no folder yet: here-documents and addresses. They are
/// fetched or written into a folder that goes with this object, and `request` names them there.
class MadeSources {
 public:
  /// Nothing if the request has none. Errc::Unsupported if it has other files as well. `work` is
  /// where the folder is.
  static Result<std::optional<MadeSources>> make(Instruction const& instruction,
                                                 Variables const& variables,
                                                 registry::Trust const& trust,
                                                 std::string const& work, CopyRequest& request);

  std::string const& folder() const { return folder_.path(); }

 private:
  explicit MadeSources(os::TemporaryFolder folder) : folder_(std::move(folder)) {}

  os::TemporaryFolder folder_;
};

}  // namespace bh::image::build
