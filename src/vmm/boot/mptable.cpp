#include "vmm/boot/mptable.h"

#include <cstring>
#include <span>
#include <vector>

#include "vmm/boot/checksum.h"
#include "vmm/boot/layout.h"
#include "vmm/boot/mptable_layout.h"

namespace bh::vmm::boot {

namespace {

constexpr std::uint8_t kRevision14 = 4;
constexpr std::uint8_t kApicVersion = 0x14;
constexpr std::uint8_t kIoApicVersion = 0x11;
constexpr std::uint8_t kEnabled = 1;
constexpr std::uint8_t kBootProcessor = 2;
constexpr std::uint32_t kProcessorSignature = 0x600;  // Family 6; kernels print it and ask CPUID.
constexpr std::uint32_t kFpuAndApic = 0x201;
constexpr std::uint8_t kIsaBus = 0;
constexpr std::uint8_t kAllApics = 0xff;
constexpr std::uint8_t kToIoApic = 3;
constexpr std::uint8_t kToLocalApic = 4;
constexpr std::uint8_t kVectored = 0;
constexpr std::uint8_t kNonMaskable = 1;
constexpr std::uint8_t kExternal = 3;  // The 8259's.
constexpr unsigned kCascadeIrq = 2;

std::uint8_t byte_of(unsigned value) {
  return static_cast<std::uint8_t>(value);
}

class ConfigTable {
 public:
  template <typename Entry>
  void add(Entry const& entry) {
    auto const raw = std::as_bytes(std::span(&entry, 1));
    bytes_.insert(bytes_.end(), raw.begin(), raw.end());
    ++entries_;
  }

  std::vector<std::byte> finish() && {
    ConfigHeader header{};
    std::memcpy(header.signature, "PCMP", 4);
    std::memcpy(header.oem, "BULKHEAD", 8);
    std::memcpy(header.product, "MICROVM     ", 12);
    header.length = static_cast<std::uint16_t>(bytes_.size());
    header.revision = kRevision14;
    header.entry_count = entries_;
    header.local_apic = static_cast<std::uint32_t>(kLocalApic.value);
    std::memcpy(bytes_.data(), &header, sizeof header);
    header.checksum = checksum(bytes_);
    std::memcpy(bytes_.data(), &header, sizeof header);
    return std::move(bytes_);
  }

 private:
  std::vector<std::byte> bytes_ = std::vector<std::byte>(sizeof(ConfigHeader));
  std::uint16_t entries_ = 0;
};

void add_processors(ConfigTable& table, unsigned count) {
  for (unsigned id = 0; id < count; ++id) {
    table.add(ProcessorEntry{.apic_id = byte_of(id),
                             .apic_version = kApicVersion,
                             .flags = byte_of(kEnabled | (id == 0 ? kBootProcessor : 0u)),
                             .signature = kProcessorSignature,
                             .features = kFpuAndApic});
  }
}

void add_interrupts(ConfigTable& table, unsigned io_apic, unsigned timer_pin) {
  // Pins above the ISA interrupts are described as ISA too: it is the only bus there is, and a
  // kernel without ACPI then finds a device given by number on its command line.
  for (unsigned irq = 0; irq < kIoApicPins; ++irq) {
    if (irq == kCascadeIrq) continue;
    unsigned const pin = irq == 0 ? timer_pin : irq;
    table.add(InterruptEntry{.type = kToIoApic,
                             .kind = kVectored,
                             .source_bus = kIsaBus,
                             .source_irq = byte_of(irq),
                             .apic_id = byte_of(io_apic),
                             .pin = byte_of(pin)});
  }
  table.add(InterruptEntry{.type = kToLocalApic,
                           .kind = kExternal,
                           .source_bus = kIsaBus,
                           .source_irq = 0,
                           .apic_id = 0,
                           .pin = 0});
  table.add(InterruptEntry{.type = kToLocalApic,
                           .kind = kNonMaskable,
                           .source_bus = kIsaBus,
                           .source_irq = 0,
                           .apic_id = kAllApics,
                           .pin = 1});
}

}  // namespace

Result<> write_mp_table(GuestMemory& memory, MpTableContents const& contents) {
  unsigned const io_apic = contents.vcpu_count;
  ConfigTable table;
  add_processors(table, contents.vcpu_count);
  table.add(BusEntry{.bus_id = kIsaBus, .name = {'I', 'S', 'A', ' ', ' ', ' '}});
  table.add(IoApicEntry{.apic_id = byte_of(io_apic),
                        .version = kIoApicVersion,
                        .flags = kEnabled,
                        .address = static_cast<std::uint32_t>(kIoApic.value)});
  add_interrupts(table, io_apic, contents.timer_pin);
  auto const bytes = std::move(table).finish();
  if (bytes.size() > kMpConfigEnd.value - kMpConfigTable.value) {
    return fail(Errc::Invalid, "the MP table is larger than its place");
  }
  BH_TRY(memory.write(kMpConfigTable, bytes));

  FloatingPointer pointer{};
  std::memcpy(pointer.signature, "_MP_", 4);
  pointer.config_table = static_cast<std::uint32_t>(kMpConfigTable.value);
  pointer.length = 1;
  pointer.revision = kRevision14;
  pointer.checksum = checksum(std::as_bytes(std::span(&pointer, 1)));
  return memory.write_object(kMpFloatingPointer, pointer);
}

}  // namespace bh::vmm::boot
