#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "os/unique_fd.h"
#include "vmm/virtio/net/backend.h"

namespace bh::vmm::virtio {

/// A tap device of the host, with checksum and segmentation offload.
class Tap final : public NetBackend {
 public:
  /// Attaches to the tap `name`, or makes it where that is allowed.
  static Result<std::unique_ptr<Tap>> open(std::string const& name, Worker& worker);
  ~Tap() override { stop(); }

  std::uint64_t features() const override;
  void negotiated(std::uint64_t features) override;
  bool send(std::span<Segment const> frame) override;
  std::size_t receive(std::span<std::byte> out) override;
  Result<> start(std::function<void()> on_frames) override;
  void stop() override;
  void listen(bool wanted) override;

 private:
  Tap(os::UniqueFd file, Worker& worker) : file_(std::move(file)), worker_(worker) {}

  os::UniqueFd file_;
  Worker& worker_;
};

}  // namespace bh::vmm::virtio
