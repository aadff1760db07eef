#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::image {

/// Bytes that come one after the other. One thread at a time.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  /// Fills a part of `out`, which is not empty; 0 at the end.
  virtual Result<std::size_t> read(std::span<std::byte> out) = 0;
};

/// Of a file, from where it stands.
class FileSource final : public ByteSource {
 public:
  explicit FileSource(os::UniqueFd file) : file_(std::move(file)) {}

  Result<std::size_t> read(std::span<std::byte> out) override;

 private:
  os::UniqueFd file_;
};

/// Of memory, which must outlive it.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::span<std::byte const> bytes) : bytes_(bytes) {}

  Result<std::size_t> read(std::span<std::byte> out) override;

 private:
  std::span<std::byte const> bytes_;
};

/// What `source` has, without its compression: gzip, zstd or none, which its first bytes tell.
/// Media types are not asked: they are wrong often enough. Errc::Corrupt when it ends early.
Result<std::unique_ptr<ByteSource>> decompressed(std::unique_ptr<ByteSource> source);

}  // namespace bh::image
