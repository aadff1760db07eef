#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "os/unique_fd.h"
#include "vmm/virtio/block/image.h"
#include "vmm/virtio/block/qcow2/cluster_map.h"
#include "vmm/virtio/block/qcow2/header.h"
#include "vmm/virtio/block/qcow2/refcounts.h"

namespace bh::vmm::virtio::qcow2 {

/// A qcow2 image over the image below it, if it has one. Whoever writes to one has its file alone;
/// readers share it.
class Image final : public BlockImage {
 public:
  enum class Access : std::uint8_t { ReadOnly, ReadWrite };

  /// `below` may be absent; what the header says of it is the caller's. Errc::Busy if another
  /// process writes to the file.
  static Result<std::unique_ptr<Image>> open(os::UniqueFd file, Header const& header, Access access,
                                             std::unique_ptr<BlockImage> below);

  std::uint64_t size() const override { return header_.size / kSectorSize * kSectorSize; }
  std::string serial() const override { return serial_; }
  Result<> read(std::uint64_t offset, std::span<Segment const> into) override;
  Result<> write(std::uint64_t offset, std::span<Segment const> from) override;
  Result<> flush() override;
  Result<> write_zeroes(std::uint64_t offset, std::uint64_t size, Unmap unmap) override;
  Result<> discard(std::uint64_t offset, std::uint64_t size) override;

 private:
  Image(os::UniqueFd file, Header header, std::string serial, ClusterMap map,
        std::unique_ptr<BlockImage> below)
      : file_(std::move(file)),
        header_(std::move(header)),
        serial_(std::move(serial)),
        map_(std::move(map)),
        below_(std::move(below)) {}

  /// Part of one cluster: `skip` bytes after its start.
  Result<> read_cluster(std::uint64_t cluster, std::uint64_t skip, std::span<Segment const> into);
  Result<> write_cluster(std::uint64_t cluster, std::uint64_t skip, std::span<Segment const> from);
  Result<> read_below(std::uint64_t offset, std::span<Segment const> into);
  Result<> read_compressed(Mapping const& mapping);
  Result<> check_inside(Mapping const& mapping) const;
  /// Makes whole clusters read as zeros and gives their room back.
  Result<> clear_clusters(std::uint64_t first, std::uint64_t count);

  os::UniqueFd file_;
  Header header_;
  std::string serial_;
  ClusterMap map_;
  std::unique_ptr<BlockImage> below_;
  std::optional<Refcounts> refcounts_;  // Of an image that is written to.
  std::vector<std::byte> cluster_;      // One cluster, decompressed or put together.
  std::uint64_t compressed_at_ = 0;     // Which compressed cluster that is, if it is one.
};

}  // namespace bh::vmm::virtio::qcow2
