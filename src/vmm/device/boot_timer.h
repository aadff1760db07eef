#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "vmm/bus/device.h"

namespace bh::vmm {

/// Time since the VMM was started, on the wall and as CPU time of its process.
struct BootTime {
  std::chrono::microseconds wall{};
  std::chrono::microseconds cpu{};
};

/// "Guest-boot-time =  12345 us 12 ms,  23456 CPU us 23 CPU ms", for people and scripts to match.
std::string format_boot_time(BootTime time);

struct BootTimerState {
  bool booted = false;

  friend bool operator==(BootTimerState const&, BootTimerState const&) = default;
};

/// One-byte register in which the guest's init says that it runs: it writes kMagic.
/// Firecracker has it at kAddress only; the port is one instruction without a mapping.
class BootTimer final : public Device {
 public:
  static constexpr std::uint64_t kAddress = 0xc000'0000;
  static constexpr std::uint16_t kPort = 0x3f0;
  static constexpr std::uint8_t kMagic = 123;

  using Clock = std::move_only_function<BootTime()>;
  using OnBooted = std::move_only_function<void(BootTime)>;

  /// `on_booted` is called at the first write of the magic byte.
  BootTimer(Clock clock, OnBooted on_booted)
      : clock_(std::move(clock)), on_booted_(std::move(on_booted)) {}

  std::string_view name() const override { return "boot-timer"; }
  void read(std::uint64_t offset, std::span<std::byte> data) override;
  void write(std::uint64_t offset, std::span<std::byte const> data) override;

  BootTimerState save() const { return state_; }
  void restore(BootTimerState state) { state_ = state; }

 private:
  Clock clock_;
  OnBooted on_booted_;
  BootTimerState state_;
};

}  // namespace bh::vmm
