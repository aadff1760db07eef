#pragma once

#include <cstddef>
#include <span>

namespace bh::vmm::virtio {

/// Takes frames of the guest away before the network sees them, and answers with frames of its own.
/// Frames are plain Ethernet here. One thread calls it.
class FrameInterceptor {
 public:
  virtual ~FrameInterceptor() = default;

  /// True if the frame was for us. `frame` is a copy that nobody changes.
  virtual bool take(std::span<std::byte const> frame) = 0;
  /// The next frame for the guest into `out`, which holds any; 0 if there is none.
  virtual std::size_t answer(std::span<std::byte> out) = 0;
  /// How much of a frame it needs to see to know that it is for others.
  virtual bool wants(std::span<std::byte const> start) const = 0;
};

/// Bytes of a frame that FrameInterceptor::wants() is shown: Ethernet and what of ARP or IPv4 names
/// the destination.
inline constexpr std::size_t kFrameStart = 14 + 28;

}  // namespace bh::vmm::virtio
