#include "vmm/boot/acpi/acpi.h"

#include <array>
#include <cstring>
#include <vector>

#include "vmm/boot/acpi/dsdt.h"
#include "vmm/boot/acpi/fadt.h"
#include "vmm/boot/acpi/madt.h"
#include "vmm/boot/acpi/table.h"
#include "vmm/boot/checksum.h"
#include "vmm/boot/layout.h"

namespace bh::vmm::boot {

namespace {

// ACPI 6.3, 5.2.5.3. Packed by nature but for the length of 36.
struct Rsdp {
  char signature[8];
  std::uint8_t checksum;
  char oem[6];
  std::uint8_t revision;
  std::uint32_t rsdt;
  std::uint32_t length;
  std::uint8_t xsdt[8];  // 64 bits, at an odd multiple of 4.
  std::uint8_t extended_checksum;
  std::uint8_t reserved[3];
};
static_assert(sizeof(Rsdp) == 36);
constexpr std::size_t kRsdpVersion1Size = 20;

/// Hands out the area from kRsdp to kAcpiEnd from the bottom up.
class Area {
 public:
  explicit Area(GuestMemory& memory) : memory_(memory) {}

  Result<GuestAddress> place(std::span<std::byte const> table) {
    GuestAddress const address = next_;
    if (table.size() > kAcpiEnd.value - address.value) {
      return fail(Errc::Invalid, "ACPI tables of that many devices do not fit below 1 MiB");
    }
    BH_TRY(memory_.write(address, table));
    // The FACS must stand at a multiple of 64; for the others that does no harm.
    next_ = {(address.value + table.size() + kFacsSize - 1) / kFacsSize * kFacsSize};
    return address;
  }

 private:
  GuestMemory& memory_;
  GuestAddress next_ = kRsdp + kFacsSize;
};

Result<> write_rsdp(GuestMemory& memory, GuestAddress xsdt) {
  Rsdp rsdp{};
  std::memcpy(rsdp.signature, "RSD PTR ", sizeof rsdp.signature);
  std::memcpy(rsdp.oem, kAcpiOem.data(), sizeof rsdp.oem);
  rsdp.revision = 2;
  rsdp.length = sizeof rsdp;
  std::memcpy(rsdp.xsdt, &xsdt.value, sizeof rsdp.xsdt);
  auto const bytes = std::as_bytes(std::span(&rsdp, 1));
  rsdp.checksum = checksum(bytes.first(kRsdpVersion1Size));
  rsdp.extended_checksum = checksum(bytes);
  return memory.write_object(kRsdp, rsdp);
}

}  // namespace

Result<> write_acpi(GuestMemory& memory, AcpiContents const& contents) {
  Area area(memory);
  auto const dsdt_bytes = BH_TRY(make_dsdt(contents.mmio_devices));
  auto const dsdt = BH_TRY(area.place(dsdt_bytes));
  auto const facs = BH_TRY(area.place(make_facs()));
  std::array const tables{
      make_fadt(facs, dsdt),
      make_madt(contents.vcpu_count, contents.timer_pin),
  };
  AcpiTable xsdt("XSDT", 1);
  for (auto const& table : tables) {
    auto const address = BH_TRY(area.place(table));
    xsdt.add(address.value, sizeof address.value);
  }
  auto const xsdt_address = BH_TRY(area.place(std::move(xsdt).finish()));
  return write_rsdp(memory, xsdt_address);
}

}  // namespace bh::vmm::boot
