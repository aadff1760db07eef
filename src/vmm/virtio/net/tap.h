#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "os/unique_fd.h"
#include "vmm/virtio/net/backend.h"

namespace bh::vmm::virtio {

/// A tap device of the host or one of its queues, with checksum and segmentation offload.
class Tap final : public NetBackend {
 public:
  enum class Kind : std::uint8_t { Whole, OneOfSeveral };

  /// Attaches to the tap `name`, or makes it where that is allowed. One of several queues takes
  /// part between start() and stop() only.
  static Result<std::unique_ptr<Tap>> open(std::string const& name, Kind kind, Worker& worker);
  ~Tap() override { stop(); }

  std::uint64_t features() const override;
  void negotiated(std::uint64_t features) override;
  bool send(std::span<Segment const> frame) override;
  std::size_t receive(std::span<std::byte> out) override;
  Result<> start(std::function<void()> on_frames) override;
  void stop() override;
  void listen(bool wanted) override;

 private:
  Tap(os::UniqueFd file, Kind kind, Worker& worker)
      : file_(std::move(file)), kind_(kind), worker_(worker) {}
  Result<> take_part(bool wanted);

  os::UniqueFd file_;
  Kind kind_;
  bool takes_part_ = true;
  Worker& worker_;
};

}  // namespace bh::vmm::virtio
