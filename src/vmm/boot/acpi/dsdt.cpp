#include "vmm/boot/acpi/dsdt.h"

#include <fmt/format.h>

#include <array>

#include "base/hex.h"
#include "base/units.h"
#include "vmm/boot/acpi/aml.h"
#include "vmm/boot/acpi/power_ports.h"
#include "vmm/boot/acpi/table.h"
#include "vmm/boot/layout.h"
#include "vmm/memory/guest_memory.h"

namespace bh::vmm::boot {

namespace {

// Revision 2 on: integers have 64 bits.
constexpr std::uint8_t kRevision = 2;

constexpr std::uint16_t kCom1Port = 0x3f8;
constexpr std::uint8_t kCom1Ports = 8;
constexpr unsigned kCom1Irq = 4;

Result<> check(MmioDevice const& device) {
  std::uint64_t const end = kHighMemoryStart.value;
  if (device.size < kPageSize || device.size > end || device.address.value > end - device.size) {
    return fail(Errc::Invalid, fmt::format("virtio-mmio device of {} at {}: must be a page or more "
                                           "and end below 4 GiB",
                                           size_text(device.size), hex(device.address.value)));
  }
  if (device.gsi >= kIoApicPins) {
    return fail(Errc::Invalid, fmt::format("virtio-mmio device at {}: the IOAPIC has no pin {}",
                                           hex(device.address.value), device.gsi));
  }
  return {};
}

aml::Bytes com1() {
  std::array const resources{aml::ports(kCom1Port, kCom1Ports), aml::isa_irq(kCom1Irq)};
  std::array const terms{aml::name("_HID", aml::eisa_id("PNP0501")),
                         aml::name("_UID", aml::integer(1)),
                         aml::name("_CRS", aml::resource_template(resources))};
  return aml::device("COM1", terms);
}

aml::Bytes virtio_mmio(std::size_t number, MmioDevice const& device) {
  std::array const resources{
      aml::fixed_memory(static_cast<std::uint32_t>(device.address.value),
                        static_cast<std::uint32_t>(device.size)),
      aml::edge_interrupt(device.gsi),
  };
  std::array const terms{aml::name("_HID", aml::string(kVirtioMmioHid)),
                         aml::name("_UID", aml::integer(number)),
                         aml::name("_CRS", aml::resource_template(resources))};
  return aml::device(fmt::format("V{:03X}", number), terms);
}

aml::Bytes soft_off() {
  // 7.4.2: the sleep types for PM1a and PM1b control, and two reserved elements.
  std::array const elements{aml::integer(kSoftOffType), aml::integer(kSoftOffType), aml::integer(0),
                            aml::integer(0)};
  return aml::name("\\_S5", aml::package(elements));
}

}  // namespace

Result<std::vector<std::byte>> make_dsdt(std::span<MmioDevice const> devices) {
  std::vector<aml::Bytes> system_bus{com1()};
  for (std::size_t i = 0; i < devices.size(); ++i) {
    BH_TRY(check(devices[i]));
    system_bus.push_back(virtio_mmio(i, devices[i]));
  }
  AcpiTable table("DSDT", kRevision);
  table.add(aml::scope("\\_SB", system_bus)).add(soft_off());
  return std::move(table).finish();
}

}  // namespace bh::vmm::boot
