#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "vmm/api/device_config.h"
#include "vmm/loop/timer.h"
#include "vmm/virtio/balloon/hinting.h"
#include "vmm/virtio/balloon/metrics.h"
#include "vmm/virtio/device.h"

namespace bh::vmm::virtio {

/// virtio-balloon (VIRTIO 1.2, 5.5) with statistics, free page reporting and hinting: takes memory
/// away from the guest, and gives the host back what the guest does not use.
class BalloonDevice final : public VirtioDevice {
 public:
  /// By the tags of the driver (5.5.6.3.1).
  static constexpr std::size_t kStatistics = 10;
  using Statistics = std::array<std::optional<std::uint64_t>, kStatistics>;

  static Result<std::unique_ptr<BalloonDevice>> create(BalloonConfig const& config, Worker& worker,
                                                       GuestMemory& memory);
  ~BalloonDevice() override;

  DeviceType type() const override { return DeviceType::Balloon; }
  std::uint64_t features() const override;
  std::size_t queue_count() const override;
  std::vector<std::byte> config() const override;
  bool handles_at_once(std::size_t queue) const override { return queue == hinting_queue(); }
  void config_written(std::uint64_t offset, std::span<std::byte const> bytes) override;

  BalloonMetrics const& metrics() const { return metrics_; }

  // On the worker.

  /// Errc::Invalid if it is more than the guest has.
  Result<> set_target(std::uint64_t amount_mib);
  /// Errc::Invalid between off and on: that is for before the start.
  Result<> set_polling(std::uint64_t seconds);
  /// Has the guest hint at its free pages, which the host gets back. Errc::Invalid if it is off, or
  /// the guest's driver does not know it.
  Result<> start_hinting(bool acknowledge);
  Result<> stop_hinting();
  /// Errc::Invalid if it is off.
  Result<PageHinting> hinting() const;
  std::uint64_t target_pages() const { return target_pages_; }
  std::uint64_t actual_pages() const { return actual_pages_; }
  bool has_statistics() const { return config_.stats_polling_interval_s != 0; }
  Statistics const& statistics() const { return statistics_; }

 protected:
  void on_activate() override;
  void on_deactivate() override;
  void process(std::size_t queue) override;

 private:
  BalloonDevice(BalloonConfig const& config, Worker& worker, GuestMemory& memory, Timer timer);

  std::optional<std::size_t> hinting_queue() const;
  std::optional<std::size_t> reporting_queue() const;
  void tell_hinting();
  std::uint32_t hint(Chain const& chain);
  std::uint32_t inflate(Chain const& chain);
  std::uint32_t report(Chain const& chain);
  void take_statistics();
  void ask_for_statistics();
  bool release_whole_pages(Segment const& segment);
  void release(GuestAddress address, std::uint64_t size);

  BalloonConfig config_;
  GuestMemory& memory_;
  Timer timer_;
  std::uint64_t target_pages_;
  std::uint64_t actual_pages_ = 0;
  Statistics statistics_{};
  std::optional<std::uint16_t> statistics_head_;  // A buffer that we hold until we ask again.
  PageHinting hinting_;
  BalloonMetrics metrics_;
};

}  // namespace bh::vmm::virtio
