#include "vmm/virtio/rng/device.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <span>

namespace bh::vmm::virtio {

Result<std::unique_ptr<RngDevice>> RngDevice::create(EntropyConfig const& config, Worker& worker,
                                                     GuestMemory& memory) {
  std::unique_ptr<RngDevice> device(new RngDevice(worker, memory));
  auto const limits = config.rate_limiter.value_or(RateLimiterConfig());
  device->throttle_ = BH_TRY(Throttle::create(worker, limits, [self = device.get()] {
    self->metrics_.rate_limiter_event_count.add();
    self->notify(0);
  }));
  return device;
}

void RngDevice::process(std::size_t index) {
  if (throttle_->blocked()) return;
  drain(*queue(index), [this](Chain const& chain) { return serve(chain); });
}

std::optional<std::uint32_t> RngDevice::serve(Chain const& chain) {
  auto const size = std::min<std::size_t>(total_size(chain.writable), kMaxBytes);
  if (!throttle_->consume(size)) {
    metrics_.entropy_rate_limiter_throttled.add();
    return std::nullopt;
  }
  metrics_.entropy_event_count.add();
  ChainWriter writer(memory_, chain.writable);
  while (writer.written() < size) {
    // Up to 256 bytes getrandom() neither fails nor stops half-way, once the host has booted.
    std::array<std::byte, 256> bytes;
    auto const count = std::min(bytes.size(), size - writer.written());
    if (::getrandom(bytes.data(), count, 0) != static_cast<ssize_t>(count)) break;
    writer.write(std::span(bytes).first(count));
  }
  metrics_.entropy_bytes.add(writer.written());
  return writer.written();
}

}  // namespace bh::vmm::virtio
