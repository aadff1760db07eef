#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "image/build/overlay.h"
#include "image/build/run_mount.h"
#include "image/build/run_step.h"
#include "image/build/stage_builder.h"
#include "os/file_lock.h"

namespace bh::image::build {

/// What --mount of one RUN stands for on this host, there as long as this object.
class PlacedMounts {
 public:
  /// Needs a process with mounts of its own.
  static Result<PlacedMounts> place(Instruction const& instruction, StageState const& state,
                                    Store const& store, BuildOptions const& options,
                                    StageBuilder::FindSource const& find_source);

  std::vector<PlacedMount> const& mounts() const { return mounts_; }
  /// NAME=VALUE of secrets.
  std::vector<std::string> const& variables() const { return variables_; }
  /// Of all that the command may find there and that is no secret.
  std::string const& key() const { return key_; }

 private:
  Result<> add(RunMount const& mount, Store const& store, BuildOptions const& options,
               StageBuilder::FindSource const& find_source);
  Result<> add_bind(RunMount const& mount, Store const& store, BuildOptions const& options,
                    StageBuilder::FindSource const& find_source);
  Result<> add_cache(RunMount const& mount, Store const& store);
  Result<> add_secret(RunMount const& mount, BuildOptions const& options);

  std::vector<PlacedMount> mounts_;
  std::vector<std::string> variables_;
  std::string key_;
  std::vector<Overlay> overlays_;
  std::vector<os::FileLock> locks_;
};

}  // namespace bh::image::build
