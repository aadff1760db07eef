#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.h"
#include "os/unique_fd.h"
#include "vmm/virtio/block/image.h"

namespace bh::vmm::virtio {

/// Keeps what is written in memory of its own and leaves the image below as it is: gone with this
/// object. Memory is taken as it is written, at most the size of the image.
class OverlayImage final : public BlockImage {
 public:
  static constexpr std::uint64_t kCluster = 4096;

  static Result<std::unique_ptr<OverlayImage>> create(std::unique_ptr<BlockImage> base);

  std::uint64_t size() const override { return base_->size(); }
  std::string serial() const override { return base_->serial(); }
  Result<> read(std::uint64_t offset, std::span<Segment const> into) override;
  Result<> write(std::uint64_t offset, std::span<Segment const> from) override;
  Result<> flush() override { return {}; }
  Result<> write_zeroes(std::uint64_t offset, std::uint64_t size, Unmap unmap) override;
  Result<> discard(std::uint64_t offset, std::uint64_t size) override;

 private:
  OverlayImage(std::unique_ptr<BlockImage> base, os::UniqueFd file);

  bool has(std::uint64_t cluster) const { return present_[cluster]; }
  Result<> fill_from_base(std::uint64_t cluster);
  Result<> prepare_edges(std::uint64_t offset, std::uint64_t size);

  std::unique_ptr<BlockImage> base_;
  os::UniqueFd file_;
  std::vector<bool> present_;  // One a cluster: its bytes are in file_.
};

}  // namespace bh::vmm::virtio
