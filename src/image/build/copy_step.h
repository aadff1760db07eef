#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "image/build/ignore.h"
#include "image/build/user.h"
#include "image/digest.h"
#include "os/unique_fd.h"

namespace bh::image::build {

/// What COPY or ADD was told, with its variables expanded.
struct CopyRequest {
  std::vector<std::string> sources;  // Patterns, as paths from the root of where they come from.
  std::string destination;           // Absolute; with a slash at the end for a folder.
  std::optional<std::uint32_t> mode;
  std::string owner;     // "" for root's.
  Ignore excluded;       // --exclude, of paths from the root as in .dockerignore.
  bool unpacks = false;  // ADD: tars that are named become what is in them.
};

/// The files a request takes, held in a tar without a name, and the archives to be unpacked.
class CopySource {
 public:
  /// `ignore` is of the context; null for another image or stage, whose owners are kept.
  static Result<CopySource> read(os::UniqueFd const& root, CopyRequest const& request,
                                 Ignore const* ignore, std::string const& scratch_folder);

  /// Of all names and contents, not of times: what decides whether a build does it again.
  Digest const& digest() const { return digest_; }

  /// Puts them into the root file system `root`, with the owner `user` if there is one.
  Result<> apply(int root, CopyRequest const& request, std::optional<User> user) const;

 private:
  struct Found {
    std::string path;
    bool is_folder;
  };

  explicit CopySource(os::UniqueFd tar) : tar_(std::move(tar)) {}

  static Result<std::vector<Found>> find(os::UniqueFd const& root, CopyRequest const& request,
                                         Ignore const* ignore);

  Result<> apply_files(int root, CopyRequest const& request, std::optional<User> user) const;

  os::UniqueFd tar_;
  std::vector<os::UniqueFd> archives_;  // Copies, for what the digest was made of.
  Digest digest_ = Digest::of("");
  std::vector<Found> found_;  // What the tar has.
};

}  // namespace bh::image::build
