#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/error.h"
#include "image/byte_source.h"
#include "image/digest.h"
#include "image/layer_entry.h"
#include "image/limits.h"

namespace bh::image {

/// What a file's entry contains, in pieces whose offsets grow; holes are zeros.
class Content {
 public:
  struct Piece {
    std::span<std::byte const> bytes;  // Valid until the next call; empty at the end.
    std::uint64_t offset = 0;
  };

  virtual ~Content() = default;
  virtual Result<Piece> next() = 0;
};

/// Who takes a layer, an entry after the other in the tar's order.
class LayerSink {
 public:
  virtual ~LayerSink() = default;
  /// `content` is that of a file, and need not be read to its end.
  virtual Result<> take(Entry const& entry, Content& content) = 0;
};

/// Reads a layer's blob, of `blob_size` bytes and with any compression, into `sink`. Returns the
/// digest of the whole tar, for the caller to compare: what the sink took is to be thrown away if
/// it is not the diffID. More than `most` bytes are refused. Uses two more threads meanwhile.
Result<Digest> read_layer(std::unique_ptr<ByteSource> blob, std::uint64_t blob_size,
                          LayerSink& sink, std::uint64_t most = kLargestLayer);

class TarReader;

/// Gives all checked entries of a tar to `sink`.
Result<> read_tar(TarReader& tar, LayerSink& sink);

/// The digest of a layer's tar, without looking into it.
Result<Digest> hash_layer(std::unique_ptr<ByteSource> blob, std::uint64_t blob_size);

}  // namespace bh::image
