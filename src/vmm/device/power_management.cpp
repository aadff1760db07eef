#include "vmm/device/power_management.h"

#include <algorithm>

#include "vmm/boot/acpi/power_ports.h"

namespace bh::vmm {

namespace {

constexpr std::uint64_t kStatus = 0;
constexpr std::uint64_t kEnable = 2;
constexpr std::uint64_t kControl = 4;

// ACPI is always on, for there is no SMI to switch it.
constexpr std::uint16_t kSciEnable = 1u << 0;
constexpr std::uint16_t kSleepType = 7u << boot::kSleepTypeShift;
constexpr std::uint16_t kSoftOff = boot::kSoftOffType << boot::kSleepTypeShift;

std::uint16_t value_of(std::span<std::byte const> bytes) {
  unsigned value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value |= std::to_integer<unsigned>(bytes[i]) << 8 * i;
  }
  return static_cast<std::uint16_t>(value);
}

}  // namespace

std::uint16_t PowerManagement::value_at(std::uint64_t offset) const {
  switch (offset) {
    case kEnable: return state_.enable;
    case kControl: return state_.control | kSciEnable;
    default: return 0;
  }
}

void PowerManagement::read(std::uint64_t offset, std::span<std::byte> data) {
  // The registers may be read by the byte, and status and enable as one double word.
  for (std::byte& byte : data) {
    byte = static_cast<std::byte>(value_at(offset & ~std::uint64_t{1}) >> (offset % 2 * 8));
    ++offset;
  }
}

void PowerManagement::write(std::uint64_t offset, std::span<std::byte const> data) {
  // Writing status clears bits of it, and there are none.
  if (offset == kStatus && data.size() == 4) {
    offset = kEnable;
    data = data.subspan(2);
  }
  // Other halves and bytes of registers are nothing that ACPI lets an operating system write.
  if (data.size() != 2) return;
  std::uint16_t const value = value_of(data);
  if (offset == kEnable) state_.enable = value;
  if (offset != kControl) return;
  // The sleep-enable bit is write-only.
  state_.control = value & static_cast<std::uint16_t>(~boot::kSleepEnable);
  if ((value & boot::kSleepEnable) != 0 && (value & kSleepType) == kSoftOff) on_power_off_();
}

}  // namespace bh::vmm
