#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <utility>

#include "vmm/bus/device.h"

namespace bh::vmm {

struct PowerManagementState {
  std::uint16_t enable = 0;
  std::uint16_t control = 0;  // Without the bits that always read as they do.

  friend bool operator==(PowerManagementState const&, PowerManagementState const&) = default;
};

/// ACPI's fixed power-management registers (ACPI 6.3, 4.8.3), as the FADT names them: PM1 status at
/// offset 0, enable at 2, control at 4, two bytes each. No event ever happens; a guest powers off
/// by writing the sleep type of soft-off with the sleep-enable bit.
class PowerManagement final : public Device {
 public:
  static constexpr std::uint64_t kSize = 6;

  using OnPowerOff = std::move_only_function<void()>;

  /// `on_power_off` must not call back.
  explicit PowerManagement(OnPowerOff on_power_off) : on_power_off_(std::move(on_power_off)) {}

  std::string_view name() const override { return "power-management"; }
  void read(std::uint64_t offset, std::span<std::byte> data) override;
  void write(std::uint64_t offset, std::span<std::byte const> data) override;

  PowerManagementState save() const { return state_; }
  void restore(PowerManagementState state) { state_ = state; }

 private:
  std::uint16_t value_at(std::uint64_t offset) const;

  OnPowerOff on_power_off_;
  PowerManagementState state_;
};

}  // namespace bh::vmm
