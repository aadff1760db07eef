#include "vmm/boot/acpi/fadt.h"

#include <string_view>

#include "vmm/boot/acpi/power_ports.h"
#include "vmm/boot/acpi/table.h"

namespace bh::vmm::boot {

namespace {

constexpr std::uint8_t kRevision = 6;
constexpr std::uint8_t kMinorRevision = 3;
constexpr std::size_t kFadtSize = 276;

constexpr std::uint16_t kSciInterrupt = 9;
constexpr std::uint16_t kNotSupported = 0xffff;  // Of a C-state's latency: above its maximum.
constexpr std::uint8_t kPm1EventLength = 4;
constexpr std::uint8_t kPm1ControlLength = 2;

// Table 5-35, IA-PC boot architecture flags. "No CMOS RTC" stays clear: there is one.
constexpr std::uint16_t kLegacyDevices = 1u << 0;
constexpr std::uint16_t kKeyboardController = 1u << 1;
constexpr std::uint16_t kNoVga = 1u << 2;

// Table 5-34, fixed feature flags.
constexpr std::uint32_t kWbinvdWorks = 1u << 0;
constexpr std::uint32_t kC1Works = 1u << 2;
constexpr std::uint32_t kNoSleepButton = 1u << 5;
constexpr std::uint32_t kNoFixedRtcWake = 1u << 6;
constexpr std::uint32_t kResetRegister = 1u << 10;

constexpr std::uint8_t kSystemIo = 1;
constexpr std::uint8_t kByteAccess = 1;
constexpr std::uint8_t kWordAccess = 2;

/// Generic Address Structure (5.2.3.2).
void add_port(AcpiTable& table, std::uint16_t port, std::uint8_t bytes, std::uint8_t access) {
  table.add(kSystemIo, 1).add(std::uint64_t{bytes} * 8, 1).add(0, 1).add(access, 1).add(port, 8);
}

void add_no_port(AcpiTable& table) {
  table.add_zeros(12);
}

}  // namespace

std::vector<std::byte> make_fadt(GuestAddress facs, GuestAddress dsdt) {
  AcpiTable table("FACP", kRevision);
  table.add(facs.value, 4).add(dsdt.value, 4);
  table.add(0, 2);                           // Reserved; preferred profile: unspecified.
  table.add(kSciInterrupt, 2).add_zeros(8);  // No SMI command port: always in ACPI mode.
  table.add(kPm1EventPort, 4).add(0, 4);
  table.add(kPm1ControlPort, 4).add_zeros(16);  // No PM1b, PM2, PM timer, GPE blocks.
  table.add_zeros(4);
  table.add(kPm1EventLength, 1).add(kPm1ControlLength, 1).add_zeros(6);
  table.add(kNotSupported, 2).add(kNotSupported, 2);  // C2 and C3.
  table.add_zeros(8);                                 // Cache flush, duty cycle, alarms.
  table.add(0, 1);                                    // Century: not in the RTC.
  table.add(kLegacyDevices | kKeyboardController | kNoVga, 2).add(0, 1);
  table.add(kWbinvdWorks | kC1Works | kNoSleepButton | kNoFixedRtcWake | kResetRegister, 4);
  add_port(table, kResetPort, 1, kByteAccess);
  table.add(kResetValue, 1).add(0, 2).add(kMinorRevision, 1);
  // The 64-bit FACS address stays 0: only one of the two may be given, and old kernels know one.
  table.add(0, 8).add(dsdt.value, 8);
  add_port(table, kPm1EventPort, kPm1EventLength, kWordAccess);
  add_no_port(table);
  add_port(table, kPm1ControlPort, kPm1ControlLength, kWordAccess);
  table.add_zeros(kFadtSize - table.size());  // No other block, sleep register or hypervisor name.
  return std::move(table).finish();
}

std::vector<std::byte> make_facs() {
  constexpr std::string_view kSignature = "FACS";
  constexpr std::size_t kLengthOffset = 4;
  constexpr std::size_t kVersionOffset = 32;
  std::vector<std::byte> facs(kFacsSize);
  auto const signature = std::as_bytes(std::span(kSignature));
  std::copy(signature.begin(), signature.end(), facs.begin());
  facs[kLengthOffset] = std::byte{kFacsSize};
  facs[kVersionOffset] = std::byte{2};
  return facs;
}

}  // namespace bh::vmm::boot
