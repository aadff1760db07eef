#include "vmm/device/acpi_power.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "vmm/boot/acpi/power_ports.h"

namespace bh::vmm {

namespace {

constexpr std::uint64_t kStatus = 0;
constexpr std::uint64_t kEnable = 2;
constexpr std::uint64_t kControl = 4;

// ACPI 6.3, table 4-16: the machine is always in ACPI mode; SLP_EN is write-only.
constexpr std::uint16_t kSciEnabled = 1u << 0;
constexpr std::uint16_t kPowerButton = 1u << 8;  // Of status and enable, tables 4-14 and 4-15.
constexpr std::uint16_t kSleepTypeMask = 7u << boot::kSleepTypeShift;

}  // namespace

void AcpiPower::read(std::uint64_t offset, std::span<std::byte> data) {
  std::ranges::fill(data, std::byte{0xff});
  if (data.size() != sizeof(std::uint16_t)) return;
  switch (offset) {
    case kStatus: return store_little_endian(data, state_.status);
    case kEnable: return store_little_endian(data, state_.enable);
    case kControl: return store_little_endian(data, state_.control | kSciEnabled);
    default: return;
  }
}

void AcpiPower::write(std::uint64_t offset, std::span<std::byte const> data) {
  if (data.size() != sizeof(std::uint16_t)) return;
  auto const value = static_cast<std::uint16_t>(load_little_endian(data));
  // A one clears an event.
  if (offset == kStatus) state_.status &= static_cast<std::uint16_t>(~value);
  if (offset == kEnable) state_.enable = value;
  update_sci();
  if (offset != kControl) return;
  state_.control = value & ~boot::kSleepEnable;
  bool const soft_off = (value & kSleepTypeMask) == boot::kSoftOffType << boot::kSleepTypeShift;
  if (soft_off && (value & boot::kSleepEnable) != 0) on_power_off_();
}

bool AcpiPower::press_power_button() {
  if ((state_.enable & kPowerButton) == 0) return false;
  state_.status |= kPowerButton;
  update_sci();
  return true;
}

void AcpiPower::update_sci() {
  auto const level = (state_.status & state_.enable) != 0 ? LineLevel::High : LineLevel::Low;
  if (level != std::exchange(level_, level)) sci_(level);
}

Result<> AcpiPower::restore(AcpiPowerState const& state) {
  if ((state.control & boot::kSleepEnable) != 0) {
    return fail(Errc::Corrupt, "restore acpi-power: a machine that is powered off");
  }
  if ((state.status & ~kPowerButton) != 0) {
    return fail(Errc::Corrupt, "restore acpi-power: events that do not exist");
  }
  state_ = state;
  update_sci();
  return {};
}

}  // namespace bh::vmm
