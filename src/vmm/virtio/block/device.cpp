#include "vmm/virtio/block/device.h"

#include <cstring>
#include <utility>

#include "vmm/virtio/block/layout.h"
#include "vmm/virtio/block/request.h"

namespace bh::vmm::virtio {

Result<std::unique_ptr<BlockDevice>> BlockDevice::create(DriveConfig const& config, Worker& worker,
                                                         GuestMemory& memory) {
  auto image = BH_TRY(open_image(config));
  std::unique_ptr<BlockDevice> device(new BlockDevice(config, worker, memory, std::move(image)));
  if (config.io_engine == IoEngine::Async) {
    if (device->image_->descriptor() < 0) {
      return fail(Errc::Unsupported,
                  "io_engine Async: only for raw images without an overlay: not supported");
    }
    auto* const self = device.get();
    device->async_ = BH_TRY(AsyncRequests::create(
        worker, {.on_done = [self](AsyncRequests::Origin origin, DeferredBlock const& request,
                                   bool ok) { self->push_done(origin, request, ok); },
                 .on_round = [self] { self->publish_done(); },
                 .on_wake = [self] { self->go_on(); }}));
  }
  auto const limits = config.rate_limiter.value_or(RateLimiterConfig());
  device->throttle_ = BH_TRY(Throttle::create(worker, limits, [self = device.get()] {
    self->metrics_.rate_limiter_event_count.add();
    for (std::size_t i = 0; i < self->num_queues_; ++i) self->notify(i);
  }));
  return device;
}

BlockDevice::BlockDevice(DriveConfig const& config, Worker& worker, GuestMemory& memory,
                         std::unique_ptr<BlockImage> image)
    : VirtioDevice("block " + config.drive_id, worker),
      config_(config),
      memory_(memory),
      num_queues_(config.num_queues),
      image_(std::move(image)) {}

std::uint64_t BlockDevice::features() const {
  std::uint64_t features = kBlockSegMax | kBlockMultiQueue;
  if (config_.is_read_only) return features | kBlockReadOnly;
  features |= kBlockDiscard | kBlockWriteZeroes;
  // Unsafe: the guest is not even offered to wait for the disk.
  if (config_.cache_type == CacheType::Writeback) features |= kBlockFlush;
  return features;
}

std::vector<std::byte> BlockDevice::config() const {
  BlockConfigSpace space{.capacity = image_->size() / kSectorSize,
                         .seg_max = kQueueSize - 2,  // A header and a status beside them.
                         .num_queues = static_cast<std::uint16_t>(num_queues_)};
  if (!config_.is_read_only) {
    space.max_discard_sectors = space.max_write_zeroes_sectors = kMaxRangeSectors;
    space.max_discard_seg = space.max_write_zeroes_seg = kMaxRanges;
    space.discard_sector_alignment = 4096 / kSectorSize;
    space.write_zeroes_may_unmap = 1;
  }
  std::vector<std::byte> bytes(sizeof space);
  std::memcpy(bytes.data(), &space, sizeof space);
  return bytes;
}

void BlockDevice::process(std::size_t index) {
  if (throttle_->blocked()) return;
  metrics_.queue_event_count.add();
  if (async_ != nullptr) return serve_async(index);
  drain(*queue(index), [this](Chain const& chain) { return serve(chain); });
}

std::optional<std::uint32_t> BlockDevice::serve(Chain const& chain) {
  if (!throttle_->consume(bytes_moved(chain))) {
    metrics_.rate_limiter_throttled_events.add();
    return std::nullopt;
  }
  return execute(chain, target());
}

/// As drain(), for requests that end later.
void BlockDevice::serve_async(std::size_t index) {
  Chain chain;
  Turn turn;
  while (auto* const from = queue(index)) {
    from->disable_notifications();
    bool wait = false;
    while (!wait && pop(*from, chain)) {
      bool const full = async_->full();
      full_ = full_ || full;
      bool const throttled = !full && !throttle_->consume(bytes_moved(chain));
      if (throttled) metrics_.rate_limiter_throttled_events.add();
      wait = full || throttled;
      if (wait) {
        from->unpop();
        break;
      }
      auto outcome = begin(chain, target());
      if (auto* const deferred = std::get_if<DeferredBlock>(&outcome)) {
        async_->add(image_->descriptor(), {index, chain.head}, std::move(*deferred));
      } else {
        from->push(chain, std::get<std::uint32_t>(outcome));
      }
      if (turn.over()) {
        end_turn(*from);
        return async_->submit();
      }
    }
    publish(*from);
    if (wait || queue(index) == nullptr || !from->enable_notifications()) break;
  }
  async_->submit();
}

void BlockDevice::push_done(AsyncRequests::Origin origin, DeferredBlock const& request, bool ok) {
  auto const written = finish(request, ok, target());
  if (auto* const to = queue(origin.queue)) to->push(origin.head, written);
}

void BlockDevice::publish_done() {
  for (std::size_t i = 0; i < num_queues_; ++i) {
    if (auto* const done = queue(i)) publish(*done);
  }
  // Not from here: a round could then go on without an end.
  if (full_) async_->wake();
}

/// Takes up what waited in the queues for others to end.
void BlockDevice::go_on() {
  if (!std::exchange(full_, false)) return;
  for (std::size_t i = 0; i < num_queues_; ++i) notify(i);
}

void BlockDevice::settle() {
  if (async_ != nullptr) async_->drain();
}

Result<> BlockDevice::replace_image(std::string const& path) {
  auto changed = config_;
  changed.path_on_host = path;
  auto image = BH_TRY(open_image(changed));
  settle();
  image_ = std::move(image);
  config_ = std::move(changed);
  metrics_.update_count.add();
  if (link() != nullptr) {
    std::uint64_t const capacity = image_->size() / kSectorSize;
    link()->change_config(0, std::as_bytes(std::span(&capacity, 1)));
  }
  return {};
}

void BlockDevice::update_rate_limiter(RateLimiterConfig const& limits) {
  throttle_->update(limits);
  metrics_.update_count.add();
}

}  // namespace bh::vmm::virtio
