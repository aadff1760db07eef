#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/error.h"
#include "os/temporary_folder.h"

namespace bh::image::build {

/// Layers mounted on top of each other with a writable folder above, which is what one step of a
/// build changes. Needs root. Unmounted and removed with this object.
class Overlay {
 public:
  /// Lets this process have mounts of its own, which end with it, whatever ends it. Once, before
  /// all others, in a process of one thread.
  static Result<> separate_mounts();

  /// `lower` are folders of unpacked layers, the lowest first.
  static Result<Overlay> mount(std::span<std::string const> lower, std::string const& work_folder);

  Overlay(Overlay&&) noexcept = default;
  Overlay& operator=(Overlay&&) = delete;
  ~Overlay();

  std::string root() const { return folder_->path() + "/root"; }
  std::string upper() const { return folder_->path() + "/upper"; }
  /// Room for files about this step.
  std::string const& folder() const { return folder_->path(); }

 private:
  explicit Overlay(std::unique_ptr<os::TemporaryFolder> folder) : folder_(std::move(folder)) {}

  std::unique_ptr<os::TemporaryFolder> folder_;
};

}  // namespace bh::image::build
