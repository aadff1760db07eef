#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::vmm::boot {

/// Bytes to load from: a file, or what a decompressor made of one. Used by one thread.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  virtual std::uint64_t size() const = 0;
  /// Fills all of `out` from `offset` on; a range that ends beyond the source is Errc::Corrupt.
  /// Two reads of the same bytes may differ when the source is a file that someone writes.
  virtual Result<> read_at(std::uint64_t offset, std::span<std::byte> out) const = 0;

  template <typename T>
  Result<> read_object(std::uint64_t offset, T& out) const {
    return read_at(offset, std::as_writable_bytes(std::span(&out, 1)));
  }
};

/// A regular file; read with pread(2), never mapped, since it may shrink meanwhile.
class FileSource final : public ByteSource {
 public:
  /// An empty file, a directory, a pipe or a device is Errc::Invalid.
  static Result<FileSource> open(std::string const& path);

  std::uint64_t size() const override { return size_; }
  Result<> read_at(std::uint64_t offset, std::span<std::byte> out) const override;

 private:
  FileSource(os::UniqueFd file, std::uint64_t size) : file_(std::move(file)), size_(size) {}

  os::UniqueFd file_;
  std::uint64_t size_;
};

/// Bytes in memory, which must outlive this object.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::span<std::byte const> bytes) : bytes_(bytes) {}

  std::uint64_t size() const override { return bytes_.size(); }
  Result<> read_at(std::uint64_t offset, std::span<std::byte> out) const override;

 private:
  std::span<std::byte const> bytes_;
};

}  // namespace bh::vmm::boot
