#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/error.h"
#include "image/digest.h"
#include "image/store.h"
#include "os/file_lock.h"
#include "os/unique_fd.h"

namespace bh::image {

/// A blob on its way into the store: hashed while written, and visible only when complete. What is
/// given up leaves nothing, but for the bytes of a download. One thread at a time; `store` must
/// outlive it.
class BlobWriter {
 public:
  /// A blob whose digest is known in the end.
  static Result<BlobWriter> create(Store const& store);

  /// A download of a blob, alone among all processes; waits for another's. What an earlier attempt
  /// has left is kept and hashed again: go on at size(). Nothing if the blob is there by now.
  static Result<std::optional<BlobWriter>> resume(Store const& store, Digest const& digest,
                                                  std::uint64_t whole_size);

  Result<> write(std::span<std::byte const> bytes);
  /// Bytes written so far, those of earlier attempts included.
  std::uint64_t size() const { return size_; }
  /// Forgets all bytes, for a peer that cannot go on in the middle.
  Result<> restart();

  /// Keeps the blob. Errc::Corrupt, and nothing stays, if it has not the digest expected.
  Result<Digest> commit();
  Result<Digest> commit_as(Digest const& expected, std::uint64_t expected_size);

 private:
  BlobWriter(Store const& store, os::UniqueFd file) : store_(&store), file_(std::move(file)) {}

  Result<> hash_what_is_there(std::uint64_t whole_size);
  int file() const { return lock_ ? lock_->file().get() : file_.get(); }
  void discard();

  Store const* store_;
  os::UniqueFd file_;                 // Without a name; unless there is a lock.
  std::optional<os::FileLock> lock_;  // Of a download's file.
  std::optional<Digest> expected_;    // Of a download.
  Hasher hasher_;
  std::uint64_t size_ = 0;
};

}  // namespace bh::image
