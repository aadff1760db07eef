#pragma once

#include <sys/stat.h>

#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "base/error.h"
#include "image/store.h"
#include "os/file_lock.h"

namespace bh::image {

/// Somebody who makes or uses what no name keeps, until this object or the process ends. Garbage
/// collection leaves alone what was made or asked for (Store::claim) since it began.
class Adding {
 public:
  Adding(Adding&& other) noexcept
      : path_(std::exchange(other.path_, {})), file_(std::move(other.file_)) {}
  Adding& operator=(Adding&&) = delete;
  ~Adding();

  /// Nothing more is made. Garbage collection leaves these layers and disks alone, by their
  /// digests' digits, and nothing else.
  Result<> settle(std::span<std::string const> used);

 private:
  friend class Store;
  Adding(std::string path, os::FileLock file) : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;  // Empty once moved from.
  os::FileLock file_;
};

/// What others do with a store.
struct InUse {
  std::optional<timespec> since;  // When the first of those who add began; nothing: nobody adds.
  std::set<std::string> kept;     // Digits of what others run from.
  bool anybody = false;
};

/// `collecting` is Store::begin_collecting(). Forgets those who were killed.
Result<InUse> in_use(Store const& store, os::FileLock const& collecting);

}  // namespace bh::image
