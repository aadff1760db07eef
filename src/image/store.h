#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "image/digest.h"
#include "os/file_lock.h"
#include "os/unique_fd.h"

namespace bh::image {

class Adding;

/// The folder all images are kept in: an OCI layout, and beside it what is made of its layers
/// (docs/design/images.md). Any thread and any number of processes may use one at once.
class Store {
 public:
  /// ROOT/images, which is made if it is not there.
  static Result<Store> open(std::string const& root);
  /// /var/lib/bulkhead for root; for others bulkhead in $XDG_DATA_HOME or in ~/.local/share.
  static std::string default_root();

  /// To reach files of the store by: blobs/sha256/..., see the names below.
  int fd() const { return folder_.get(); }
  std::string const& path() const { return path_; }

  /// Whether the blob is there; then it stays while we are adding.
  bool has(Digest const& digest) const;
  /// The same of any file or folder, by its name in the store.
  bool claim(std::string const& path) const;
  /// For reading. Errc::NotFound if it is not there.
  Result<os::UniqueFd> open_blob(Digest const& digest) const;
  Result<std::uint64_t> blob_size(Digest const& digest) const;
  /// A whole blob of at most kDocumentLimit bytes; Errc::Corrupt if it has another digest.
  Result<std::string> read_document(Digest const& digest) const;
  /// Keeps a text as a blob.
  Result<Digest> add(std::string_view text) const;

  /// Held while something is made or used that no name keeps (image/adding.h).
  Result<Adding> begin_adding() const;
  /// Held while garbage is collected: nobody begins to add, or claims anything.
  Result<os::FileLock> begin_collecting() const;

 private:
  Store(os::UniqueFd folder, std::string path)
      : folder_(std::move(folder)), path_(std::move(path)) {}

  os::UniqueFd folder_;
  std::string path_;
};

// Names in the store, relative to its folder.
inline constexpr char kBlobsFolder[] = "blobs/sha256";
inline constexpr char kPartialFolder[] = "partial";
inline constexpr char kLayersFolder[] = "layers";
inline constexpr char kDisksFolder[] = "disks";
inline constexpr char kBuildFolder[] = "build";
inline constexpr char kAddingFolder[] = "adding";
inline constexpr char kIndexFile[] = "index.json";
inline constexpr char kLockFile[] = "lock";

std::string blob_name(Digest const& digest);

}  // namespace bh::image
