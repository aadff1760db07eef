#include "vmm/device/acpi_power.h"

#include <algorithm>

#include "base/bytes.h"
#include "vmm/boot/acpi/power_ports.h"

namespace bh::vmm {

namespace {

constexpr std::uint64_t kStatus = 0;
constexpr std::uint64_t kEnable = 2;
constexpr std::uint64_t kControl = 4;

// ACPI 6.3, table 4-16: the machine is always in ACPI mode; SLP_EN is write-only.
constexpr std::uint16_t kSciEnabled = 1u << 0;
constexpr std::uint16_t kSleepTypeMask = 7u << boot::kSleepTypeShift;

}  // namespace

void AcpiPower::read(std::uint64_t offset, std::span<std::byte> data) {
  std::ranges::fill(data, std::byte{0xff});
  if (data.size() != sizeof(std::uint16_t)) return;
  switch (offset) {
    case kStatus: return store_little_endian(data, 0);
    case kEnable: return store_little_endian(data, state_.enable);
    case kControl: return store_little_endian(data, state_.control | kSciEnabled);
    default: return;
  }
}

void AcpiPower::write(std::uint64_t offset, std::span<std::byte const> data) {
  if (data.size() != sizeof(std::uint16_t)) return;
  auto const value = static_cast<std::uint16_t>(load_little_endian(data));
  if (offset == kEnable) state_.enable = value;
  if (offset != kControl) return;
  state_.control = value & ~boot::kSleepEnable;
  bool const soft_off = (value & kSleepTypeMask) == boot::kSoftOffType << boot::kSleepTypeShift;
  if (soft_off && (value & boot::kSleepEnable) != 0) on_power_off_();
}

Result<> AcpiPower::restore(AcpiPowerState const& state) {
  if ((state.control & boot::kSleepEnable) != 0) {
    return fail(Errc::Corrupt, "restore acpi-power: a machine that is powered off");
  }
  state_ = state;
  return {};
}

}  // namespace bh::vmm
