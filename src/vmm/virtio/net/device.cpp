#include "vmm/virtio/net/device.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "vmm/api/config.h"

namespace bh::vmm::virtio {

namespace {

// So many frames for the guest before its own are looked at again.
constexpr int kBurst = 64;

}  // namespace

Result<std::unique_ptr<NetDevice>> NetDevice::create(
    NetworkInterfaceConfig const& config, Worker& worker, GuestMemory& memory, NetBackends backends,
    std::unique_ptr<FrameInterceptor> interceptor) {
  std::unique_ptr<NetDevice> device(
      new NetDevice(config, worker, memory, std::move(backends), std::move(interceptor)));
  auto* const self = device.get();
  auto const limits = [](std::optional<RateLimiterConfig> const& limiter) {
    return limiter.value_or(RateLimiterConfig());
  };
  device->rx_throttle_ = BH_TRY(Throttle::create(worker, limits(config.rx_rate_limiter), [self] {
    for (auto& pair : self->pairs_) self->receive_frames(pair);
  }));
  device->tx_throttle_ = BH_TRY(Throttle::create(worker, limits(config.tx_rate_limiter), [self] {
    for (auto const& pair : self->pairs_) self->notify(pair.transmit);
  }));
  return device;
}

NetDevice::NetDevice(NetworkInterfaceConfig const& config, Worker& worker, GuestMemory& memory,
                     NetBackends backends, std::unique_ptr<FrameInterceptor> interceptor)
    : VirtioDevice("net " + config.iface_id, worker),
      config_(config),
      memory_(memory),
      interceptor_(std::move(interceptor)) {
  for (auto& backend : backends) {
    std::size_t const first = 2 * pairs_.size();
    pairs_.push_back({.receive = first,
                      .transmit = first + 1,
                      .backend = std::move(backend),
                      .frame = std::vector<std::byte>(kLargestFrame)});
  }
}

NetDevice::~NetDevice() {
  worker().run_and_wait([this] { use_pairs(0); });
}

std::uint64_t NetDevice::features() const {
  std::uint64_t features = pairs_[0].backend->features() | kNetMergeable;
  if (has_several()) features |= kNetControl | kNetMultiQueue;
  if (config_.guest_mac) features |= kNetMac;
  if (config_.mtu) features |= kNetMtu;
  return features;
}

std::size_t NetDevice::queue_count() const {
  return 2 * pairs_.size() + (has_several() ? 1 : 0);
}

/// 5.1.2: behind the pairs that there are; a driver that does not know of several sees one.
std::optional<std::size_t> NetDevice::control_queue() const {
  if (!has(kNetControl)) return std::nullopt;
  return has(kNetMultiQueue) ? 2 * pairs_.size() : 2;
}

std::vector<std::byte> NetDevice::config() const {
  NetConfigSpace space{};
  if (has_several()) space.max_queue_pairs = static_cast<std::uint16_t>(pairs_.size());
  if (config_.guest_mac) space.mac = parse_mac(*config_.guest_mac).value_or(MacAddress{});
  space.mtu = static_cast<std::uint16_t>(config_.mtu.value_or(0));
  std::vector<std::byte> bytes(sizeof space);
  std::memcpy(bytes.data(), &space, sizeof space);
  return bytes;
}

void NetDevice::on_activate() {
  for (auto& pair : pairs_) {
    pair.backend->negotiated(negotiated());
    pair.frame_size = 0;
  }
  use_pairs(1);
}

void NetDevice::on_deactivate() {
  use_pairs(0);
}

void NetDevice::process(std::size_t index) {
  if (index == control_queue()) {
    drain(*queue(index), [this](Chain const& chain) { return control(chain); });
    return;
  }
  if (index >= 2 * pairs_.size()) return;
  auto& pair = pairs_[index / 2];
  if (index == pair.receive) {
    receive_frames(pair);
  } else {
    send_frames(pair);
  }
}

void NetDevice::use_pairs(std::size_t count) {
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    auto& pair = pairs_[i];
    if (std::exchange(pair.used, i < count) == pair.used) continue;
    if (!pair.used) {
      pair.backend->stop();
    } else if (auto const started = pair.backend->start([this, &pair] { receive_frames(pair); });
               !started) {
      return fault(started.error().message);
    }
  }
}

std::uint32_t NetDevice::control(Chain const& chain) {
  ChainReader reader(chain.readable);
  auto const command = reader.read_object<NetCommand>().value_or(NetCommand{.kind = 0xff});
  std::uint8_t answer = kNetCommandFailed;
  if (command.kind == kNetCommandsOfMultiQueue && command.command == kNetSetPairs) {
    auto const count = reader.read_object<std::uint16_t>().value_or(0);
    if (has(kNetMultiQueue) && count != 0 && count <= pairs_.size()) {
      use_pairs(count);
      answer = kNetCommandDone;
    }
  }
  ChainWriter writer(memory_, chain.writable);
  writer.write_object(answer);
  return writer.written();
}

// To the guest.

/// Makes sure that there is a frame; false if there is none, or none may pass now.
bool NetDevice::next_frame(Pair& pair) {
  if (pair.frame_size == 0 && interceptor_ != nullptr && &pair == &pairs_[0]) {
    std::memset(pair.frame.data(), 0, sizeof(NetHeader));
    auto const size = interceptor_->answer(std::span(pair.frame).subspan(sizeof(NetHeader)));
    if (size != 0) {
      pair.frame_size = size + sizeof(NetHeader);
      pair.may_pass = true;  // Answers of ours are not limited.
    }
  }
  if (pair.frame_size == 0) {
    if (rx_throttle_->blocked()) return false;
    auto const size = pair.backend->receive(pair.frame);
    if (size <= sizeof(NetHeader)) return false;
    pair.frame_size = size;
    pair.may_pass = false;
  }
  if (!pair.may_pass && !rx_throttle_->consume(pair.frame_size)) {
    metrics_.rx_rate_limiter_throttled.add();
    return false;
  }
  pair.may_pass = true;
  return true;
}

void NetDevice::receive_frames(Pair& pair) {
  auto* const buffers = pair.used ? queue(pair.receive) : nullptr;
  if (buffers == nullptr) return;
  bool listen = true;
  int frames = 0;
  while (next_frame(pair)) {
    auto const delivery = deliver(pair, *buffers);
    if (delivery == Delivery::Stop) return;
    if (delivery == Delivery::NoBuffers) {
      metrics_.no_rx_avail_buffer.add();
      listen = buffers->enable_notifications(pair.seen);
      // A driver that gives less than a frame needs, again and again, has its turn as well.
      if (!listen || ++frames == kBurst) break;
      continue;
    }
    metrics_.rx_packets_count.add();
    metrics_.rx_bytes_count.add(pair.frame_size - sizeof(NetHeader));
    pair.frame_size = 0;
    if (++frames == kBurst) break;
  }
  publish(*buffers);
  if (!listen) {
    pair.backend->listen(false);
    return;
  }
  pair.backend->listen(!rx_throttle_->blocked());
  if (frames == kBurst) worker().post([this, &pair] { receive_frames(pair); });
}

NetDevice::Delivery NetDevice::deliver(Pair& pair, Queue& buffers) {
  std::size_t room = 0;
  std::uint16_t count = 0;
  bool const mergeable = has(kNetMergeable);
  while (room < pair.frame_size) {
    if (chains_.size() == count) chains_.emplace_back();
    if (!pop(buffers, chains_[count])) {
      pair.seen = buffers.progress().next_available;
      buffers.unpop(count);
      return queue(pair.receive) == nullptr ? Delivery::Stop : Delivery::NoBuffers;
    }
    room += total_size(chains_[count++].writable);
    if (!mergeable) break;
  }
  if (room < pair.frame_size && !mergeable) {
    // 5.1.6.3.1: without merging, buffers are as large as frames can be. This one is not.
    buffers.push(chains_[0], 0);
    return Delivery::Done;
  }
  NetHeader header;
  std::memcpy(&header, pair.frame.data(), sizeof header);
  header.buffers = count;
  std::memcpy(pair.frame.data(), &header, sizeof header);
  auto rest = std::span<std::byte const>(pair.frame).first(pair.frame_size);
  for (std::uint16_t i = 0; i < count; ++i) {
    ChainWriter writer(memory_, chains_[i].writable);
    rest = rest.subspan(writer.write(rest));
    buffers.push(chains_[i], writer.written());
  }
  return Delivery::Done;
}

// From the guest.

void NetDevice::send_frames(Pair& pair) {
  if (tx_throttle_->blocked() || !pair.used) return;
  drain(*queue(pair.transmit), [&](Chain const& chain) { return send(pair, chain); });
  if (interceptor_ != nullptr && active()) receive_frames(pairs_[0]);
}

std::optional<std::uint32_t> NetDevice::send(Pair& pair, Chain const& chain) {
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
  if (pair.backend->send(chain.readable)) {
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
