#include "vmm/virtio/mmio_transport.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "base/bytes.h"
#include "vmm/loop/event.h"
#include "vmm/virtio/mmio_registers.h"

namespace bh::vmm::virtio {

namespace {

/// Bits of a register that holds one half of a 64-bit value.
void set_half(std::uint64_t& whole, bool high, std::uint32_t value) {
  unsigned const shift = high ? 32 : 0;
  whole = (whole & ~(std::uint64_t{0xffff'ffff} << shift)) | (std::uint64_t{value} << shift);
}

std::uint32_t half(std::uint64_t whole, std::uint32_t select) {
  return select > 1 ? 0 : static_cast<std::uint32_t>(whole >> (32 * select));
}

}  // namespace

Result<std::unique_ptr<MmioTransport>> MmioTransport::create(VirtioDevice& device,
                                                             GuestMemory& memory, IrqLine line,
                                                             DriverLink::OnFault on_fault) {
  auto kick = BH_TRY(create_event());
  std::unique_ptr<MmioTransport> transport(
      new MmioTransport(device, memory, std::move(line), std::move(on_fault), std::move(kick)));
  Result<> watched;
  device.worker().run_and_wait([&] {
    watched = device.worker().loop().watch(
        transport->kick_.get(), [self = transport.get()] { self->serve_notifications(); });
  });
  if (!watched) return std::unexpected(std::move(watched).error());
  return transport;
}

MmioTransport::MmioTransport(VirtioDevice& device, GuestMemory& memory, IrqLine line,
                             DriverLink::OnFault on_fault, os::UniqueFd kick)
    : device_(device),
      memory_(memory),
      link_(
          std::move(line), std::move(on_fault), [this](std::size_t queue) { notify_soon(queue); },
          device.config()),
      kick_(std::move(kick)),
      queues_(std::min(device.queue_count(), kMaxQueues)) {}

MmioTransport::~MmioTransport() {
  device_.worker().run_and_wait([this] {
    device_.worker().loop().forget(kick_.get());
    for (auto const& doorbell : doorbells_) device_.worker().loop().forget(doorbell.get());
    device_.deactivate();
  });
}

std::uint64_t MmioTransport::features() const {
  return device_.features() | kFeatureVersion1 | kFeatureIndirect | kFeatureEventIndex;
}

QueueConfig* MmioTransport::selected_queue() {
  return queue_select_ < queues_.size() ? &queues_[queue_select_] : nullptr;
}

void MmioTransport::read(std::uint64_t offset, std::span<std::byte> data) {
  if (offset >= kConfigSpace) return link_.read_config(offset - kConfigSpace, data);
  // 4.2.2.2: registers are read and written 32 bits at a time.
  bool const whole = data.size() == 4 && offset % 4 == 0;
  store_little_endian(data, whole ? read_register(offset) : 0);
}

std::uint32_t MmioTransport::read_register(std::uint64_t offset) const {
  switch (offset) {
    case kMagicValue: return kMagic;
    case kVersion: return kModern;
    case kDeviceId: return static_cast<std::uint32_t>(device_.type());
    case kVendorId: return 0;
    case kDeviceFeatures: return half(features(), device_features_select_);
    case kQueueSizeMax: return queue_select_ < queues_.size() ? kQueueSize : 0;
    case kQueueReady: return queue_select_ < queues_.size() && queues_[queue_select_].ready ? 1 : 0;
    case kInterruptStatus: return link_.interrupt_status();
    case kStatus: return status_ | (link_.needs_reset() ? kStatusNeedsReset : 0);
    case kConfigGeneration: return link_.config_generation();
    // 4.2.2: a shared memory region that does not exist has this length.
    case kShmLengthLow:
    case kShmLengthHigh:
    case kShmBaseLow:
    case kShmBaseHigh: return ~0U;
    default: return 0;
  }
}

void MmioTransport::write(std::uint64_t offset, std::span<std::byte const> data) {
  if (offset >= kConfigSpace) return write_config(offset - kConfigSpace, data);
  if (data.size() != 4 || offset % 4 != 0) return;
  write_register(offset, static_cast<std::uint32_t>(load_little_endian(data)));
}

void MmioTransport::write_register(std::uint64_t offset, std::uint32_t value) {
  switch (offset) {
    case kQueueNotify: return notify(value);
    case kInterruptAck: return link_.acknowledge(value);
    case kDeviceFeaturesSelect: device_features_select_ = value; return;
    case kDriverFeaturesSelect: driver_features_select_ = value; return;
    case kQueueSelect: queue_select_ = value; return;
    case kStatus: return write_status(value);
    case kDriverFeatures:
      // 3.1.1: features are chosen before FEATURES_OK.
      if ((status_ & kStatusFeaturesOk) == 0 && driver_features_select_ <= 1) {
        set_half(driver_features_, driver_features_select_ == 1, value);
      }
      return;
    default: return write_queue_register(offset, value);
  }
}

void MmioTransport::write_queue_register(std::uint64_t offset, std::uint32_t value) {
  QueueConfig* const queue = selected_queue();
  // What the device works with must not change under it.
  bool const open = (status_ & kStatusFeaturesOk) != 0 && (status_ & kStatusDriverOk) == 0;
  if (queue == nullptr || !open) return;
  if (offset == kQueueReady) {
    queue->ready = value == 1;
    return;
  }
  if (queue->ready) return;
  switch (offset) {
    case kQueueSizeRegister: queue->size = static_cast<std::uint16_t>(value); break;
    case kQueueDescriptorsLow: set_half(queue->descriptors.value, false, value); break;
    case kQueueDescriptorsHigh: set_half(queue->descriptors.value, true, value); break;
    case kQueueAvailableLow: set_half(queue->available.value, false, value); break;
    case kQueueAvailableHigh: set_half(queue->available.value, true, value); break;
    case kQueueUsedLow: set_half(queue->used.value, false, value); break;
    case kQueueUsedHigh: set_half(queue->used.value, true, value); break;
    default: break;
  }
}

void MmioTransport::write_status(std::uint32_t value) {
  if (value == 0) return reset();
  value &= kStatusAcknowledge | kStatusDriver | kStatusFeaturesOk | kStatusDriverOk | kStatusFailed;
  // 2.1.1: the driver never clears a bit, and sets them in this order.
  if ((status_ & ~value) != 0) return;
  std::uint32_t allowed = kStatusAcknowledge | kStatusFailed;
  if ((status_ & kStatusAcknowledge) != 0) allowed |= kStatusDriver;
  if ((status_ & kStatusDriver) != 0) allowed |= kStatusFeaturesOk;
  if ((status_ & kStatusFeaturesOk) != 0) allowed |= kStatusDriverOk;
  std::uint32_t added = value & ~status_ & allowed;
  bool const acceptable =
      (driver_features_ & ~features()) == 0 && (driver_features_ & kFeatureVersion1) != 0;
  if (!acceptable) added &= ~kStatusFeaturesOk;
  status_ |= added;
  if ((added & kStatusDriverOk) != 0) start();
}

Result<std::vector<std::optional<Queue>>> MmioTransport::make_queues(
    std::span<QueueProgress const> progress) const {
  std::vector<std::optional<Queue>> queues;
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    auto& made = queues.emplace_back();
    if (!queues_[i].ready) continue;
    auto const from = i < progress.size() ? progress[i] : QueueProgress();
    auto queue = BH_TRY(Queue::create(memory_, queues_[i], driver_features_, from));
    made.emplace(std::move(queue));
  }
  return queues;
}

void MmioTransport::hand_over(std::vector<std::optional<Queue>> queues) {
  device_.worker().run_and_wait(
      [&] { device_.activate(driver_features_, std::move(queues), link_); });
}

void MmioTransport::start() {
  auto queues = make_queues({});
  if (!queues) return link_.need_reset(queues.error().message);
  hand_over(*std::move(queues));
  // Some drivers notify before they say that they are ready.
  notify_all();
}

void MmioTransport::notify_all() {
  notified_.store(static_cast<std::uint32_t>((std::uint64_t{1} << queues_.size()) - 1));
  signal_event(kick_);
}

void MmioTransport::reset() {
  device_.worker().run_and_wait([this] {
    device_.deactivate();
    notified_.store(0);
  });
  link_.reset();
  status_ = 0;
  driver_features_ = 0;
  device_features_select_ = driver_features_select_ = queue_select_ = 0;
  queues_.assign(queues_.size(), {});
}

void MmioTransport::notify(std::uint32_t queue) {
  if ((status_ & kStatusDriverOk) == 0 || queue >= queues_.size()) return;
  if (device_.handles_at_once(queue)) {
    device_.worker().run_and_wait([this, queue] { device_.notify(queue); });
    return;
  }
  notify_soon(queue);
}

void MmioTransport::notify_soon(std::size_t queue) {
  if (notified_.fetch_or(std::uint32_t{1} << queue) == 0) signal_event(kick_);
}

Result<> MmioTransport::use_doorbells(SignalOnWrite const& signal_on_write) {
  for (std::uint32_t queue = 0; queue < queues_.size(); ++queue) {
    if (device_.handles_at_once(queue)) continue;
    auto doorbell = BH_TRY(create_event());
    if (!signal_on_write(kQueueNotify, queue, doorbell.get())) return {};
    Result<> watched;
    device_.worker().run_and_wait([&] {
      watched =
          device_.worker().loop().watch(doorbell.get(), [this, queue, event = doorbell.get()] {
            clear_event(event);
            // Without queues, before the driver is ready, nothing happens: start() looks at all.
            device_.notify(queue);
          });
    });
    // The engine may know the descriptor already, so it stays open even if nobody listens.
    doorbells_.push_back(std::move(doorbell));
    BH_TRY(std::move(watched));
  }
  return {};
}

void MmioTransport::serve_notifications() {
  clear_event(kick_);
  auto queues = notified_.exchange(0);
  while (queues != 0) {
    auto const index = static_cast<std::size_t>(std::countr_zero(queues));
    queues &= queues - 1;
    device_.notify(index);
  }
}

void MmioTransport::write_config(std::uint64_t offset, std::span<std::byte const> data) {
  if (data.size() > 8 || !link_.write_config(offset, data)) return;
  device_.worker().run_and_wait([&] { device_.config_written(offset, data); });
}

TransportState MmioTransport::save() const {
  TransportState state{.device_features_select = device_features_select_,
                       .driver_features_select = driver_features_select_,
                       .queue_select = queue_select_,
                       .driver_features = driver_features_,
                       .status = status_ | (link_.needs_reset() ? kStatusNeedsReset : 0),
                       .interrupt_status = link_.interrupt_status(),
                       .config_generation = link_.config_generation(),
                       .queues = queues_,
                       .progress = {},
                       .config = link_.config()};
  device_.worker().run_and_wait([&] {
    if (!device_.active()) return;
    device_.settle();
    state.progress = device_.progress();
  });
  return state;
}

Result<> MmioTransport::restore(TransportState const& state) {
  auto const refuse = [this](std::string_view why) {
    return fail(Errc::Corrupt, fmt::format("restore {}: {}", name(), why));
  };
  if (status_ != 0) return refuse("the device is in use");
  if (state.queues.size() != queues_.size()) return refuse("another number of queues");
  if (state.config.size() != link_.config().size()) return refuse("another configuration");
  if ((state.driver_features & ~features()) != 0) return refuse("features it does not have");
  bool const running =
      (state.status & kStatusDriverOk) != 0 && (state.status & kStatusNeedsReset) == 0;
  auto const before = std::pair(queues_, driver_features_);
  queues_ = state.queues;
  driver_features_ = state.driver_features;
  if (running) {
    auto queues = make_queues(state.progress);
    if (!queues) {
      std::tie(queues_, driver_features_) = before;
      return std::unexpected(
          std::move(queues).error().while_doing(fmt::format("restore {}", name())));
    }
    hand_over(*std::move(queues));
  }
  device_features_select_ = state.device_features_select;
  driver_features_select_ = state.driver_features_select;
  queue_select_ = state.queue_select;
  status_ = state.status & ~kStatusNeedsReset;
  link_.write_config(0, state.config);
  link_.restore(state.interrupt_status & (kInterruptUsedBuffer | kInterruptConfigChange),
                state.config_generation, (state.status & kStatusNeedsReset) != 0);
  // What the driver made available just before it was saved.
  if (running) notify_all();
  return {};
}

}  // namespace bh::vmm::virtio
