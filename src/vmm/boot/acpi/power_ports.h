#pragma once

#include <cstdint>

namespace bh::vmm::boot {

/// The fixed power-management registers that the FADT names (ACPI 6.3, 4.8.3), for
/// device/acpi_power.h. Without that device Linux boots all the same, complains once and
/// cannot power off.
inline constexpr std::uint16_t kPm1EventPort = 0x600;    // Status and enable, 2 bytes each.
inline constexpr std::uint16_t kPm1ControlPort = 0x604;  // 2 bytes.

/// Writing kSleepEnable with kSoftOffType in the type field to kPm1ControlPort powers off.
inline constexpr std::uint16_t kSleepEnable = 1u << 13;
inline constexpr unsigned kSleepTypeShift = 10;
inline constexpr std::uint16_t kSoftOffType = 5;

/// Writing the value to the port resets the machine: the i8042's pulse of the reset line.
inline constexpr std::uint16_t kResetPort = 0x64;
inline constexpr std::uint8_t kResetValue = 0xfe;

}  // namespace bh::vmm::boot
