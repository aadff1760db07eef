#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/error.h"
#include "image/byte_source.h"
#include "image/digest.h"
#include "image/store.h"
#include "os/unique_fd.h"

namespace bh::image {

/// A blob of the store that came from an archive.
struct ArchivedFile {
  Digest digest;
  std::uint64_t size = 0;
};

/// Files of an archive, which become blobs of the store when they are asked for, or before.
class ArchiveFiles {
 public:
  virtual ~ArchiveFiles() = default;
  /// Errc::NotFound if the archive has no such file. `path` is a clean one (clean_path()).
  virtual Result<ArchivedFile> keep(std::string const& path) = 0;
};

/// Of a folder; links in it are followed no further than it.
class FolderFiles final : public ArchiveFiles {
 public:
  FolderFiles(Store const& store, os::UniqueFd folder)
      : store_(store), folder_(std::move(folder)) {}

  Result<ArchivedFile> keep(std::string const& path) override;

 private:
  Store const& store_;
  os::UniqueFd folder_;
};

/// Of a tar, whose files are all kept at once: their order says nothing.
class TarFiles final : public ArchiveFiles {
 public:
  static Result<TarFiles> read(Store const& store, std::unique_ptr<ByteSource> tar);

  Result<ArchivedFile> keep(std::string const& path) override;

 private:
  TarFiles() = default;

  std::map<std::string, ArchivedFile> files_;
  std::map<std::string, std::string> links_;
};

}  // namespace bh::image
