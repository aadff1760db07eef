#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/error.h"
#include "os/temporary_folder.h"

namespace bh::image::build {

/// Layers mounted on top of each other with a writable folder above, which is what one step of a
/// build changes. Needs root, of a user namespace at least. Unmounted and removed with this object.
class Overlay {
 public:
  /// Lets this process have mounts of its own, which end with it, whatever ends it. Once, before
  /// all others, in a process of one thread.
  static Result<> separate_mounts();

  /// `lower` are folders of unpacked layers, the lowest first.
  static Result<Overlay> mount(std::span<std::string const> lower, std::string const& work_folder);
  /// The same with what was changed before: `folder` is made if it is not there, and stays.
  static Result<Overlay> mount_kept(std::span<std::string const> lower, std::string const& folder);

  Overlay(Overlay&& other) noexcept
      : temporary_(std::move(other.temporary_)), folder_(std::exchange(other.folder_, {})) {}
  Overlay& operator=(Overlay&&) = delete;
  ~Overlay();

  std::string root() const { return folder_ + "/root"; }
  std::string upper() const { return folder_ + "/upper"; }
  /// Room for files about this step.
  std::string const& folder() const { return folder_; }

 private:
  explicit Overlay(std::string folder) : folder_(std::move(folder)) {}

  static Result<Overlay> mount_at(std::span<std::string const> lower, std::string folder);

  std::unique_ptr<os::TemporaryFolder> temporary_;  // If it goes with this object.
  std::string folder_;                              // Empty once moved from.
};

}  // namespace bh::image::build
