#include "vmm/virtio/net/device.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "vmm/api/config.h"

namespace bh::vmm::virtio {

namespace {

enum QueueIndex : std::size_t { kReceive, kTransmit };

// So many frames for the guest before its own are looked at again.
constexpr int kBurst = 64;

}  // namespace

Result<std::unique_ptr<NetDevice>> NetDevice::create(
    NetworkInterfaceConfig const& config, Worker& worker, GuestMemory& memory,
    std::unique_ptr<NetBackend> backend, std::unique_ptr<FrameInterceptor> interceptor) {
  std::unique_ptr<NetDevice> device(
      new NetDevice(config, worker, memory, std::move(backend), std::move(interceptor)));
  auto* const self = device.get();
  auto const limits = [](std::optional<RateLimiterConfig> const& limiter) {
    return limiter.value_or(RateLimiterConfig());
  };
  device->rx_throttle_ = BH_TRY(Throttle::create(worker, limits(config.rx_rate_limiter), [self] {
    if (self->active()) self->receive_frames();
  }));
  device->tx_throttle_ = BH_TRY(Throttle::create(worker, limits(config.tx_rate_limiter),
                                                 [self] { self->notify(kTransmit); }));
  return device;
}

NetDevice::NetDevice(NetworkInterfaceConfig const& config, Worker& worker, GuestMemory& memory,
                     std::unique_ptr<NetBackend> backend,
                     std::unique_ptr<FrameInterceptor> interceptor)
    : VirtioDevice("net " + config.iface_id, worker),
      config_(config),
      memory_(memory),
      backend_(std::move(backend)),
      interceptor_(std::move(interceptor)),
      frame_(kLargestFrame) {}

NetDevice::~NetDevice() {
  worker().run_and_wait([this] { backend_->stop(); });
}

std::uint64_t NetDevice::features() const {
  std::uint64_t features = backend_->features() | kNetMergeable;
  if (config_.guest_mac) features |= kNetMac;
  if (config_.mtu) features |= kNetMtu;
  return features;
}

std::vector<std::byte> NetDevice::config() const {
  NetConfigSpace space{};
  if (config_.guest_mac) space.mac = parse_mac(*config_.guest_mac).value_or(MacAddress{});
  space.mtu = static_cast<std::uint16_t>(config_.mtu.value_or(0));
  std::vector<std::byte> bytes(sizeof space);
  std::memcpy(bytes.data(), &space, sizeof space);
  return bytes;
}

void NetDevice::on_activate() {
  backend_->negotiated(negotiated());
  frame_size_ = 0;
  if (auto const started = backend_->start([this] { receive_frames(); }); !started) {
    fault(started.error().message);
  }
}

void NetDevice::on_deactivate() {
  backend_->stop();
}

void NetDevice::process(std::size_t index) {
  if (index == kReceive) {
    receive_frames();
  } else {
    send_frames();
  }
}

// To the guest.

/// Makes sure that there is a frame; false if there is none, or none may pass now.
bool NetDevice::next_frame() {
  if (frame_size_ == 0 && interceptor_ != nullptr) {
    std::memset(frame_.data(), 0, sizeof(NetHeader));
    auto const size = interceptor_->answer(std::span(frame_).subspan(sizeof(NetHeader)));
    if (size != 0) {
      frame_size_ = size + sizeof(NetHeader);
      may_pass_ = true;  // Answers of ours are not limited.
    }
  }
  if (frame_size_ == 0) {
    if (rx_throttle_->blocked()) return false;
    auto const size = backend_->receive(frame_);
    if (size <= sizeof(NetHeader)) return false;
    frame_size_ = size;
    may_pass_ = false;
  }
  if (!may_pass_ && !rx_throttle_->consume(frame_size_)) {
    metrics_.rx_rate_limiter_throttled.add();
    return false;
  }
  may_pass_ = true;
  return true;
}

void NetDevice::receive_frames() {
  auto* const buffers = queue(kReceive);
  if (buffers == nullptr) return;
  bool listen = true;
  int frames = 0;
  while (next_frame()) {
    auto const delivery = deliver(*buffers);
    if (delivery == Delivery::Stop) return;
    if (delivery == Delivery::NoBuffers) {
      metrics_.no_rx_avail_buffer.add();
      if (buffers->enable_notifications(seen_)) continue;
      listen = false;
      break;
    }
    metrics_.rx_packets_count.add();
    metrics_.rx_bytes_count.add(frame_size_ - sizeof(NetHeader));
    frame_size_ = 0;
    if (++frames == kBurst) break;
  }
  publish(*buffers);
  if (!listen) {
    backend_->listen(false);
    return;
  }
  backend_->listen(!rx_throttle_->blocked());
  if (frames == kBurst) worker().post([this] { receive_frames(); });
}

NetDevice::Delivery NetDevice::deliver(Queue& buffers) {
  std::size_t room = 0;
  std::uint16_t count = 0;
  bool const mergeable = has(kNetMergeable);
  while (room < frame_size_) {
    if (chains_.size() == count) chains_.emplace_back();
    if (!pop(buffers, chains_[count])) {
      seen_ = buffers.progress().next_available;
      buffers.unpop(count);
      return queue(kReceive) == nullptr ? Delivery::Stop : Delivery::NoBuffers;
    }
    room += total_size(chains_[count++].writable);
    if (!mergeable) break;
  }
  if (room < frame_size_ && !mergeable) {
    // 5.1.6.3.1: without merging, buffers are as large as frames can be. This one is not.
    buffers.push(chains_[0], 0);
    return Delivery::Done;
  }
  NetHeader header;
  std::memcpy(&header, frame_.data(), sizeof header);
  header.buffers = count;
  std::memcpy(frame_.data(), &header, sizeof header);
  auto rest = std::span<std::byte const>(frame_).first(frame_size_);
  for (std::uint16_t i = 0; i < count; ++i) {
    ChainWriter writer(memory_, chains_[i].writable);
    rest = rest.subspan(writer.write(rest));
    buffers.push(chains_[i], writer.written());
  }
  return Delivery::Done;
}

// From the guest.

void NetDevice::send_frames() {
  if (tx_throttle_->blocked()) return;
  drain(*queue(kTransmit), [this](Chain const& chain) { return send(chain); });
  if (interceptor_ != nullptr && active()) receive_frames();
}

std::optional<std::uint32_t> NetDevice::send(Chain const& chain) {
  std::size_t const size = total_size(chain.readable);
  if (size <= sizeof(NetHeader) || size > kLargestFrame) {
    metrics_.tx_malformed_frames.add();
    return 0;
  }
  if (interceptor_ != nullptr) {
    ChainReader reader(chain.readable);
    reader.skip(sizeof(NetHeader));
    std::array<std::byte, kFrameStart> start{};
    auto const shown = std::span(start).first(reader.read(start));
    if (interceptor_->wants(shown)) {
      ChainReader whole(chain.readable);
      whole.skip(sizeof(NetHeader));
      std::vector<std::byte> frame(size - sizeof(NetHeader));
      whole.read(frame);
      if (interceptor_->take(frame)) return 0;
    }
  }
  if (!tx_throttle_->consume(size)) {
    metrics_.tx_rate_limiter_throttled.add();
    return std::nullopt;
  }
  if (backend_->send(chain.readable)) {
    metrics_.tx_packets_count.add();
    metrics_.tx_bytes_count.add(size - sizeof(NetHeader));
  } else {
    metrics_.tx_fails.add();
  }
  return 0;
}

void NetDevice::update_rate_limiters(NetworkInterfaceUpdate const& update) {
  if (update.rx_rate_limiter) rx_throttle_->update(*update.rx_rate_limiter);
  if (update.tx_rate_limiter) tx_throttle_->update(*update.tx_rate_limiter);
}

}  // namespace bh::vmm::virtio
