#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "vmm/bus/device.h"
#include "vmm/bus/irq_line.h"

namespace bh::vmm {

struct AcpiPowerState {
  std::uint16_t status = 0;
  std::uint16_t enable = 0;
  std::uint16_t control = 0;

  friend bool operator==(AcpiPowerState const&, AcpiPowerState const&) = default;
};

/// The fixed power-management registers of ACPI 6.3, 4.8.3: event status and enable (offsets 0 and
/// 2), control (offset 4), at the ports of boot/acpi/power_ports.h. Going to sleep state S5 powers
/// off; the one event is the power button.
class AcpiPower final : public Device {
 public:
  static constexpr std::uint64_t kPorts = 6;

  using OnPowerOff = std::move_only_function<void()>;

  /// `on_power_off` must not call back; `sci` follows the system control interrupt.
  AcpiPower(OnPowerOff on_power_off, IrqLine sci)
      : on_power_off_(std::move(on_power_off)), sci_(std::move(sci)) {}

  std::string_view name() const override { return "acpi-power"; }
  void read(std::uint64_t offset, std::span<std::byte> data) override;
  void write(std::uint64_t offset, std::span<std::byte const> data) override;

  /// False, and nothing happens, if the guest does not listen to the button. The caller holds the
  /// device's lock.
  bool press_power_button();

  AcpiPowerState save() const { return state_; }
  /// Checks `state` as hostile input; on an error nothing changes.
  Result<> restore(AcpiPowerState const& state);

 private:
  void update_sci();

  OnPowerOff on_power_off_;
  IrqLine sci_;
  AcpiPowerState state_;
  LineLevel level_ = LineLevel::Low;
};

}  // namespace bh::vmm
