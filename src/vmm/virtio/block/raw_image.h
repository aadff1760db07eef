#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "os/unique_fd.h"
#include "vmm/virtio/block/image.h"

namespace bh::vmm::virtio {

/// A regular file or a block device, byte for byte.
class RawImage final : public BlockImage {
 public:
  enum class Access : std::uint8_t { ReadOnly, ReadWrite };

  /// A size that is no multiple of 512 is cut to one, as Firecracker does.
  static Result<std::unique_ptr<RawImage>> open(std::string const& path, Access access);

  std::uint64_t size() const override { return size_; }
  int descriptor() const override { return file_.get(); }
  std::string serial() const override { return serial_; }
  Result<> read(std::uint64_t offset, std::span<Segment const> into) override;
  Result<> write(std::uint64_t offset, std::span<Segment const> from) override;
  Result<> flush() override;
  Result<> write_zeroes(std::uint64_t offset, std::uint64_t size, Unmap unmap) override;
  Result<> discard(std::uint64_t offset, std::uint64_t size) override;

 private:
  RawImage(os::UniqueFd file, std::uint64_t size, std::string serial, bool device)
      : file_(std::move(file)), size_(size), serial_(std::move(serial)), device_(device) {}

  os::UniqueFd file_;
  std::uint64_t size_;
  std::string serial_;
  bool device_;  // A block device, which has calls of its own.
};

}  // namespace bh::vmm::virtio
