#pragma once

#include <cstdint>

namespace bh::vmm::boot {

/// Intel MP 1.4, chapter 4. Entries follow the header without padding.

struct FloatingPointer {
  char signature[4];
  std::uint32_t config_table;
  std::uint8_t length;  // In units of 16 bytes.
  std::uint8_t revision;
  std::uint8_t checksum;
  std::uint8_t features[5];  // All 0: a configuration table is present, virtual-wire mode.
};
static_assert(sizeof(FloatingPointer) == 16);

struct ConfigHeader {
  char signature[4];
  std::uint16_t length;
  std::uint8_t revision;
  std::uint8_t checksum;
  char oem[8];
  char product[12];
  std::uint32_t oem_table;
  std::uint16_t oem_table_size;
  std::uint16_t entry_count;
  std::uint32_t local_apic;
  std::uint16_t extended_length;
  std::uint8_t extended_checksum;
  std::uint8_t reserved;
};
static_assert(sizeof(ConfigHeader) == 44);

struct ProcessorEntry {
  std::uint8_t type = 0;
  std::uint8_t apic_id;
  std::uint8_t apic_version;
  std::uint8_t flags;
  std::uint32_t signature;
  std::uint32_t features;
  std::uint32_t reserved[2]{};
};
static_assert(sizeof(ProcessorEntry) == 20);

struct BusEntry {
  std::uint8_t type = 1;
  std::uint8_t bus_id;
  char name[6];
};
static_assert(sizeof(BusEntry) == 8);

struct IoApicEntry {
  std::uint8_t type = 2;
  std::uint8_t apic_id;
  std::uint8_t version;
  std::uint8_t flags;
  std::uint32_t address;
};
static_assert(sizeof(IoApicEntry) == 8);

struct InterruptEntry {
  std::uint8_t type;  // 3: to an IOAPIC pin, 4: to a local APIC's.
  std::uint8_t kind;
  std::uint16_t flags = 0;  // Polarity and trigger as the bus has them: ISA, edge, active high.
  std::uint8_t source_bus;
  std::uint8_t source_irq;
  std::uint8_t apic_id;
  std::uint8_t pin;
};
static_assert(sizeof(InterruptEntry) == 8);

}  // namespace bh::vmm::boot
