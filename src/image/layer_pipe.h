#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "image/byte_source.h"
#include "image/digest.h"
#include "image/limits.h"

namespace bh::image {

/// Whether so many bytes may come of a layer of that size: Errc::Corrupt for a bomb.
Result<> check_growth(std::uint64_t made, std::uint64_t compressed_size);

/// A layer's bytes, decompressed by one thread and hashed by another while the caller's takes them.
/// Only the thread that made it may call it.
class LayerPipe {
 public:
  /// More than `most` bytes are refused.
  LayerPipe(std::unique_ptr<ByteSource> source, std::uint64_t compressed_size,
            std::uint64_t most = kLargestLayer);
  LayerPipe(LayerPipe const&) = delete;
  LayerPipe& operator=(LayerPipe const&) = delete;
  /// Stops the threads, wherever they are.
  ~LayerPipe();

  /// The next bytes, valid until the next call; empty at the end. Errc::Corrupt for a bomb.
  Result<std::span<std::byte const>> next();
  /// Takes what is left and returns the digest of everything.
  Result<Digest> finish();

 private:
  using Chunk = std::shared_ptr<std::vector<std::byte> const>;  // Shared by the two who read it.
  enum Reader : std::size_t { kCaller, kHasher };

  void produce(std::stop_token const& stop, std::uint64_t compressed_size, std::uint64_t most);
  void hash();
  void put(Chunk const& chunk);
  void end(std::optional<Error> error);
  /// Null at the end.
  Chunk get(Reader reader);

  std::unique_ptr<ByteSource> source_;  // The producer's.
  Hasher hasher_;                       // The hasher's, and the caller's after it has ended.
  Chunk current_;                       // The caller's.

  Mutex mutex_;
  std::condition_variable_any changed_;
  std::array<std::deque<Chunk>, 2> queues_ BH_GUARDED_BY(mutex_);
  std::optional<Error> error_ BH_GUARDED_BY(mutex_);
  bool ended_ BH_GUARDED_BY(mutex_) = false;
  bool abandoned_ BH_GUARDED_BY(mutex_) = false;

  std::jthread producer_;
  std::jthread hash_thread_;
};

}  // namespace bh::image
