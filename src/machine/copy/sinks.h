#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "image/layer_folder.h"
#include "image/layer_reader.h"
#include "machine/copy/request.h"
#include "os/unique_fd.h"

namespace bh::machine {

/// What becomes of files on their way.
struct CopyOwners {
  /// Whose they are then, without rights that come from the owner (set-user-ID and set-group-ID).
  /// Nothing: they stay whose they are.
  std::optional<std::pair<std::uint32_t, std::uint32_t>> owner;
};

/// Gives the root of a copy's tar the name `name`, which is empty for what is in a folder alone.
/// Refuses what no file system has, and a tar of several roots. Extended attributes do not come
/// along.
class RenamedRoot final : public image::LayerSink {
 public:
  RenamedRoot(image::LayerSink& inner, std::string name, CopyOwners owners)
      : inner_(inner), name_(std::move(name)), owners_(owners) {}

  Result<> take(image::Entry const& entry, image::Content& content) override;

 private:
  image::LayerSink& inner_;
  std::string name_;
  CopyOwners owners_;
  bool first_ = true;
  bool single_ = false;
};

/// Puts a copy's tar where docker's rules say, once its first entry tells what it is.
class PlacedCopy final : public image::LayerSink {
 public:
  /// Opens a path of the machine, or of the host, as open(2) does.
  using Open = std::function<Result<os::UniqueFd>(std::string const& path, std::uint64_t flags)>;

  /// `request` is one to copy in, whatever the side.
  PlacedCopy(CopyRequest request, CopyOwners owners, Open open)
      : request_(std::move(request)), owners_(owners), open_(std::move(open)) {}

  Result<> take(image::Entry const& entry, image::Content& content) override;
  /// To be called after the last entry.
  Result<> finish();

 private:
  Result<> choose(bool source_is_folder);
  Result<> enter(std::string const& folder, std::string name);

  CopyRequest request_;
  CopyOwners owners_;
  Open open_;
  std::unique_ptr<image::LayerFolder> folder_;
  std::unique_ptr<RenamedRoot> renamed_;
};

}  // namespace bh::machine
