#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/error.h"
#include "vmm/api/device_config.h"
#include "vmm/virtio/chain.h"

namespace bh::vmm::virtio {

inline constexpr std::uint64_t kSectorSize = 512;

/// What a block device keeps its bytes in. One thread calls it. Ranges are whole sectors inside
/// size(), which the caller has checked.
class BlockImage {
 public:
  virtual ~BlockImage() = default;

  /// Bytes, a multiple of the sector size.
  virtual std::uint64_t size() const = 0;
  /// The file whose bytes are the image's one by one, if there is one; else -1.
  virtual int descriptor() const { return -1; }
  /// At most 20 bytes that tell this image from others.
  virtual std::string serial() const = 0;

  /// Fills all segments, or fails.
  virtual Result<> read(std::uint64_t offset, std::span<Segment const> into) = 0;
  virtual Result<> write(std::uint64_t offset, std::span<Segment const> from) = 0;
  /// What was written is on the disk then.
  virtual Result<> flush() = 0;
  enum class Unmap : std::uint8_t { No, Yes };
  virtual Result<> write_zeroes(std::uint64_t offset, std::uint64_t size, Unmap unmap) = 0;
  /// The bytes are of no worth any more; they may read as anything.
  virtual Result<> discard(std::uint64_t offset, std::uint64_t size) = 0;
};

/// Opens what `config` names: a raw file, a block device or a qcow2 image, below an overlay if
/// asked for.
Result<std::unique_ptr<BlockImage>> open_image(DriveConfig const& config);

}  // namespace bh::vmm::virtio
