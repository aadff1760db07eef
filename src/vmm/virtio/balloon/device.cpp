#include "vmm/virtio/balloon/device.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/bytes.h"

namespace bh::vmm::virtio {

namespace {

// 5.5.3: feature bits.
constexpr std::uint64_t kStatisticsFeature = 1ULL << 1;
constexpr std::uint64_t kDeflateOnOom = 1ULL << 2;
constexpr std::uint64_t kHinting = 1ULL << 3;
constexpr std::uint64_t kReporting = 1ULL << 5;

enum QueueIndex : std::size_t { kInflate, kDeflate, kStatisticsQueue };

/// 5.5.4: configuration space, as far as these features need it.
struct ConfigSpace {
  std::uint32_t num_pages = 0;
  std::uint32_t actual = 0;
  std::uint32_t hinting_command = 0;
};

constexpr std::uint64_t kPagesPerMib = 256;  // Of 4 KiB, whatever the guest's pages are.

/// 5.5.6.3: an entry of a statistics buffer.
struct [[gnu::packed]] Statistic {
  std::uint16_t tag;
  std::uint64_t value;
};
static_assert(sizeof(Statistic) == 10);
// More than there are tags makes no sense; each is looked at once.
constexpr unsigned kMostEntries = 64;
// Of one buffer; Linux's driver has 256 in one, Windows' 1024.
constexpr int kMostPages = 8192;

}  // namespace

Result<std::unique_ptr<BalloonDevice>> BalloonDevice::create(BalloonConfig const& config,
                                                             Worker& worker, GuestMemory& memory) {
  auto timer = BH_TRY(Timer::create());
  std::unique_ptr<BalloonDevice> device(
      new BalloonDevice(config, worker, memory, std::move(timer)));
  BH_TRY(device->set_target(config.amount_mib));
  Result<> watched;
  worker.run_and_wait([&, self = device.get()] {
    watched = worker.loop().watch(self->timer_.fd().get(), [self] {
      self->timer_.clear();
      self->ask_for_statistics();
    });
  });
  if (!watched) return std::unexpected(std::move(watched).error());
  return device;
}

BalloonDevice::BalloonDevice(BalloonConfig const& config, Worker& worker, GuestMemory& memory,
                             Timer timer)
    : VirtioDevice("balloon", worker),
      config_(config),
      memory_(memory),
      timer_(std::move(timer)),
      target_pages_(0) {}

BalloonDevice::~BalloonDevice() {
  worker().run_and_wait([this] { worker().loop().forget(timer_.fd().get()); });
}

std::uint64_t BalloonDevice::features() const {
  std::uint64_t features = 0;
  if (has_statistics()) features |= kStatisticsFeature;
  if (config_.deflate_on_oom) features |= kDeflateOnOom;
  if (config_.free_page_hinting) features |= kHinting;
  if (config_.free_page_reporting) features |= kReporting;
  return features;
}

std::size_t BalloonDevice::queue_count() const {
  return 2 + (has_statistics() ? 1 : 0) + (config_.free_page_hinting ? 1 : 0) +
         (config_.free_page_reporting ? 1 : 0);
}

// 5.5.2: queues of features that are not there have no number.

std::optional<std::size_t> BalloonDevice::hinting_queue() const {
  if (!config_.free_page_hinting) return std::nullopt;
  return queue_count() - (config_.free_page_reporting ? 2 : 1);
}

std::optional<std::size_t> BalloonDevice::reporting_queue() const {
  if (!config_.free_page_reporting) return std::nullopt;
  return queue_count() - 1;
}

std::vector<std::byte> BalloonDevice::config() const {
  ConfigSpace const space{.num_pages = static_cast<std::uint32_t>(target_pages_)};
  std::vector<std::byte> bytes(sizeof space);
  std::memcpy(bytes.data(), &space, sizeof space);
  return bytes;
}

void BalloonDevice::config_written(std::uint64_t offset, std::span<std::byte const> bytes) {
  if (offset != offsetof(ConfigSpace, actual) || bytes.size() != sizeof(std::uint32_t)) return;
  actual_pages_ = load_little_endian(bytes);
}

Result<> BalloonDevice::set_target(std::uint64_t amount_mib) {
  std::uint64_t const pages = amount_mib * kPagesPerMib;
  if (pages > memory_.size() >> kPageShift) {
    return fail(Errc::Invalid,
                fmt::format("balloon: {} MiB is more than the guest has", amount_mib));
  }
  target_pages_ = pages;
  config_.amount_mib = amount_mib;
  if (link() != nullptr) {
    auto const wanted = static_cast<std::uint32_t>(pages);
    link()->change_config(0, std::as_bytes(std::span(&wanted, 1)));
  }
  return {};
}

Result<> BalloonDevice::set_polling(std::uint64_t seconds) {
  if ((seconds != 0) != has_statistics()) {
    return fail(Errc::Invalid,
                "balloon: statistics cannot be switched on or off after the machine has started");
  }
  config_.stats_polling_interval_s = seconds;
  timer_.set_period(std::chrono::seconds(seconds));
  return {};
}

void BalloonDevice::tell_hinting() {
  auto const command = hinting_.host_command();
  link()->change_config(offsetof(ConfigSpace, hinting_command),
                        std::as_bytes(std::span(&command, 1)));
}

Result<> BalloonDevice::start_hinting(bool acknowledge) {
  if (link() == nullptr || !has(kHinting)) {
    return fail(Errc::Invalid,
                "balloon: free page hinting is not enabled (start the machine with "
                "free_page_hinting, and a kernel whose driver has it)");
  }
  hinting_.start(acknowledge);
  tell_hinting();
  return {};
}

Result<> BalloonDevice::stop_hinting() {
  BH_TRY(hinting());
  hinting_.finish();
  if (link() != nullptr) tell_hinting();
  return {};
}

Result<PageHinting> BalloonDevice::hinting() const {
  if (!config_.free_page_hinting) {
    return fail(Errc::Invalid, "balloon: free page hinting is not enabled");
  }
  return hinting_;
}

void BalloonDevice::on_activate() {
  statistics_head_.reset();
  if (has(kStatisticsFeature))
    timer_.set_period(std::chrono::seconds(config_.stats_polling_interval_s));
}

void BalloonDevice::on_deactivate() {
  timer_.set_period({});
  actual_pages_ = 0;
  hinting_.reset();
}

void BalloonDevice::process(std::size_t index) {
  if (index == kInflate) {
    drain(*queue(index), [this](Chain const& chain) { return inflate(chain); });
  } else if (index == kDeflate) {
    // The guest uses the pages again; the host gives them when they are touched.
    drain(*queue(index), [this](Chain const& chain) -> std::uint32_t {
      metrics_.deflate_count.add(total_size(chain.readable) / sizeof(std::uint32_t));
      return 0;
    });
  } else if (index == hinting_queue()) {
    drain(*queue(index), [this](Chain const& chain) { return hint(chain); });
  } else if (index == reporting_queue()) {
    drain(*queue(index), [this](Chain const& chain) { return report(chain); });
  } else {
    take_statistics();
  }
}

/// 5.5.6.1: page numbers, of 4 KiB each. Neighbours go to the host in one call. What is beyond
/// kMostPages stays with the guest.
std::uint32_t BalloonDevice::inflate(Chain const& chain) {
  ChainReader reader(chain.readable);
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  auto const flush = [&] {
    if (count != 0) release({first << kPageShift}, count << kPageShift);
    count = 0;
  };
  for (int pages = 0; pages < kMostPages; ++pages) {
    auto const page = reader.read_object<std::uint32_t>();
    if (!page) break;
    metrics_.inflate_count.add();
    if (count != 0 && *page == first + count) {
      ++count;
    } else if (count != 0 && std::uint64_t{*page} + 1 == first) {
      --first;
      ++count;
    } else {
      flush();
      first = *page;
      count = 1;
    }
  }
  flush();
  return 0;
}

/// 5.5.6.5: the number of a run to read, or a buffer that is free memory. The driver may use that
/// again on its own account once it has notified us: see handles_at_once().
std::uint32_t BalloonDevice::hint(Chain const& chain) {
  ChainReader reader(chain.readable);
  if (auto const number = reader.read_object<std::uint32_t>()) {
    if (hinting_.take(*number)) tell_hinting();
    return 0;
  }
  if (!hinting_.runs()) return 0;
  for (auto const& segment : chain.writable) {
    if (!release_whole_pages(segment)) continue;
    metrics_.free_page_hint_count.add();
    metrics_.free_page_hint_freed.add(segment.bytes.size());
  }
  return 0;
}

/// 5.5.6.7: the buffers themselves are what the guest does not use.
std::uint32_t BalloonDevice::report(Chain const& chain) {
  for (auto const& segment : chain.writable) {
    if (!release_whole_pages(segment)) continue;
    metrics_.free_page_report_count.add();
    metrics_.free_page_report_freed.add(segment.bytes.size());
  }
  return 0;
}

/// False if it is something else, and stays.
bool BalloonDevice::release_whole_pages(Segment const& segment) {
  if (segment.address.value % kPageSize != 0 || segment.bytes.size() % kPageSize != 0) return false;
  release(segment.address, segment.bytes.size());
  return true;
}

void BalloonDevice::release(GuestAddress address, std::uint64_t size) {
  std::byte* const host = memory_.host_address(address, size);
  // The memory is a file in RAM: only removing takes it away for good.
  if (host == nullptr || ::madvise(host, size, MADV_REMOVE) != 0) {
    metrics_.event_fails.add();
    return;
  }
  memory_.note_write(address, size);
}

/// 5.5.6.3: the driver gives a buffer with numbers, and gets it back when we want new ones.
void BalloonDevice::take_statistics() {
  auto* const queue = this->queue(kStatisticsQueue);
  if (queue == nullptr) return;
  Chain chain;
  Turn turn;
  while (pop(*queue, chain)) {
    // One buffer is ours at a time.
    if (statistics_head_) queue->push(*statistics_head_, 0);
    statistics_head_ = chain.head;
    ChainReader reader(chain.readable);
    for (unsigned i = 0; i < kMostEntries; ++i) {
      auto const entry = reader.read_object<Statistic>();
      if (!entry) break;
      // A copy of the value, which may lie unaligned.
      if (entry->tag < kStatistics) statistics_[entry->tag] = std::uint64_t{entry->value};
    }
    metrics_.stats_updates_count.add();
    if (turn.over()) return end_turn(*queue);
  }
  publish(*queue);
  queue->enable_notifications();
}

void BalloonDevice::ask_for_statistics() {
  auto* const queue = this->queue(kStatisticsQueue);
  if (queue == nullptr || !statistics_head_) return;
  queue->push(*statistics_head_, 0);
  statistics_head_.reset();
  publish(*queue);
}

}  // namespace bh::vmm::virtio
