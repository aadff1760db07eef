#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "vmm/api/device_config.h"
#include "vmm/mmds/connection.h"
#include "vmm/mmds/frames.h"
#include "vmm/mmds/service.h"
#include "vmm/virtio/net/interceptor.h"

namespace bh::vmm::mmds {

/// The metadata service on a guest's network interface: takes what the guest sends to its address
/// out of the stream of frames, so that it never reaches a network.
class Stack final : public virtio::FrameInterceptor {
 public:
  static constexpr std::size_t kMaxConnections = 30;
  /// Frames that wait for the guest; more are dropped, and the guest asks again.
  static constexpr std::size_t kMaxAnswers = 256;

  Stack(MmdsConfig const& config, Store const& store);

  bool take(std::span<std::byte const> frame) override;
  std::size_t answer(std::span<std::byte> out) override;
  bool wants(std::span<std::byte const> start) const override { return is_for(start, us_.ip); }

 private:
  using Peer = std::pair<Ipv4, std::uint16_t>;

  void take_segment(Segment const& segment);
  void refuse(Segment const& segment);

  Address const us_;
  Service service_;
  std::map<Peer, std::unique_ptr<Connection>> connections_;
  std::vector<std::vector<std::byte>> made_;
  std::deque<std::vector<std::byte>> answers_;
};

}  // namespace bh::vmm::mmds
