#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "image/build/builder.h"
#include "image/build/cache.h"
#include "image/build/copy_step.h"
#include "image/build/dockerfile.h"
#include "image/build/ignore.h"
#include "image/build/overlay.h"
#include "image/config.h"
#include "image/store.h"

namespace bh::image::build {

/// What a stage is while it is built, and in the end.
struct StageState {
  ImageConfig config;
  std::vector<Descriptor> layers;
  Digest key = Digest::of("");  // Of all that was done so far.
  Variables arguments;          // ARGs that have come by.
  std::vector<std::string> shell{"/bin/sh", "-c"};
};

/// Does the instructions of one stage, one after the other.
class StageBuilder {
 public:
  /// Finds the state of a stage or an image by what --from says.
  using FindSource = std::function<Result<StageState>(std::string const&)>;

  StageBuilder(Store const& store, BuildOptions const& options, Ignore const& ignore,
               Variables const& global_arguments, FindSource find_source)
      : store_(store),
        options_(options),
        ignore_(ignore),
        global_arguments_(global_arguments),
        find_source_(std::move(find_source)) {}

  Result<> run(Instruction const& instruction, StageState& state) const;

 private:
  /// Changes the file system mounted there.
  using Change = std::function<Result<>(Overlay const&)>;
  using MakeLayer = std::function<Result<StepLayer>()>;

  Result<> declare_argument(Instruction const& instruction, StageState& state) const;
  Result<> run_command(Instruction const& instruction, StageState& state) const;
  Result<> copy(Instruction const& instruction, StageState& state) const;
  Result<CopyRequest> copy_request(Instruction const& instruction, StageState const& state) const;
  Result<> change_config(Instruction const& instruction, StageState& state) const;
  Result<> make_working_folder(Instruction const& instruction, StageState& state) const;

  /// Makes a layer, or takes the one that an earlier build has made of the same.
  Result<> add_layer(Instruction const& instruction, Digest const& key, StageState& state,
                     MakeLayer const& make) const;
  Result<StepLayer> make_layer(StageState const& state, Change const& change) const;
  Result<StepLayer> make_layer_in_microvm(StageState const& state, RunRequest const& request) const;

  Store const& store_;
  BuildOptions const& options_;
  Ignore const& ignore_;
  Variables const& global_arguments_;
  FindSource find_source_;
};

/// The layers of a state with a writable folder above.
Result<Overlay> mount_state(Store const& store, StageState const& state);

/// ARGs and, over them, the image's environment.
Variables variables_of(StageState const& state);

}  // namespace bh::image::build
