#include "tests/isa/guest_tables.h"

#include "tests/isa/case.h"

namespace bh::isa {

namespace {

using vmm::GuestAddress;

constexpr std::uint64_t kTopTable = 0x1000;
constexpr std::uint64_t kFirstFreeTable = 0x2000;
constexpr std::uint64_t kGdt = 0x10000;
constexpr std::uint64_t kIdt = 0x11000;
constexpr std::uint64_t kTss = 0x12000;
constexpr std::uint64_t kHandlers = 0x13000;
constexpr std::uint64_t kStackEnd = 0x16000;

// Page table entries, SDM vol. 3, 4.5.
constexpr std::uint64_t kPresent = 1;
constexpr std::uint64_t kWritable = 2;
constexpr std::uint64_t kUser = 4;
constexpr std::uint64_t kLarge = 0x80;
constexpr std::uint64_t kNoExecute = std::uint64_t{1} << 63;
constexpr std::uint64_t kAddressMask = 0x000f'ffff'ffff'f000;

// Linux's selectors.
constexpr std::uint16_t kKernelCode = 0x10;
constexpr std::uint16_t kKernelData = 0x18;
constexpr std::uint16_t kUserData = 0x2b;
constexpr std::uint16_t kUserCode = 0x33;
constexpr std::uint16_t kTaskSelector = 0x40;
constexpr std::uint64_t kTaskLimit = 0x67;

class PageTables {
 public:
  explicit PageTables(vmm::GuestMemory& memory) : memory_(memory) {}

  Result<> map(std::uint64_t address, std::uint64_t physical, std::uint64_t bits) {
    std::uint64_t table = kTopTable;
    int const last_shift = (bits & kLarge) != 0 ? 21 : 12;
    for (int shift = 39; shift > last_shift; shift -= 9) {
      GuestAddress const slot{table + 8 * ((address >> shift) & 511)};
      auto entry = BH_TRY(memory_.read_object<std::uint64_t>(slot));
      if (entry == 0) {
        entry = next_table_ | kPresent | kWritable | (bits & kUser);
        next_table_ += kPage;
        BH_TRY(memory_.write_object(slot, entry));
      }
      table = entry & kAddressMask;
    }
    return memory_.write_object(GuestAddress{table + 8 * ((address >> last_shift) & 511)},
                                physical | kPresent | bits);
  }

 private:
  vmm::GuestMemory& memory_;
  std::uint64_t next_table_ = kFirstFreeTable;
};

Result<> map_pages(vmm::GuestMemory& memory) {
  PageTables tables(memory);
  for (std::size_t i = 0; i < kCodePhysical.size(); ++i) {
    BH_TRY(tables.map(kCodeStart + i * kPage, kCodePhysical[i], kUser));
  }
  for (std::uint64_t const start : {kDataStart, kHighDataStart}) {
    for (std::size_t i = 0; i < kDataPages.size(); ++i) {
      std::uint64_t const bits = kUser | kNoExecute | (kDataPages[i].writable ? kWritable : 0);
      BH_TRY(tables.map(start + kDataPages[i].offset, kDataPhysical[i], bits));
    }
  }
  return tables.map(kSupervisorStart, 0, kWritable | kLarge);
}

struct Gate {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

Gate interrupt_gate(std::uint64_t handler, unsigned dpl) {
  std::uint64_t const attributes = 0x8e00 | (dpl << 13);  // Present, 64-bit interrupt gate.
  return {(handler & 0xffff) | (std::uint64_t{kKernelCode} << 16) | (attributes << 32) |
              (((handler >> 16) & 0xffff) << 48),
          handler >> 32};
}

Result<> write_descriptors(vmm::GuestMemory& memory) {
  constexpr std::uint64_t kTaskBase = kSupervisorStart + kTss;
  // As in Linux: 2 kernel code, 3 kernel data, 5 user data, 6 user code, 8-9 task.
  std::array<std::uint64_t, 10> const gdt{0,
                                          0,
                                          0x00af'9b00'0000'ffff,
                                          0x00cf'9300'0000'ffff,
                                          0,
                                          0x00cf'f300'0000'ffff,
                                          0x00af'fb00'0000'ffff,
                                          0,
                                          kTaskLimit | ((kTaskBase & 0xff'ffff) << 16) |
                                              (0x8bull << 40) | (((kTaskBase >> 24) & 0xff) << 56),
                                          kTaskBase >> 32};
  BH_TRY(memory.write_object(GuestAddress{kGdt}, gdt));
  BH_TRY(memory.write_object(GuestAddress{kTss + 4}, kSupervisorStart + kStackEnd));
  // The I/O permission bitmap starts beyond the limit: no port is a program's.
  BH_TRY(memory.write_object(GuestAddress{kTss + 0x66}, std::uint16_t{kTaskLimit + 1}));
  for (unsigned vector = 0; vector < 256; ++vector) {
    // out imm8, al; hlt
    std::array<std::uint8_t, 4> const handler{0xe6, static_cast<std::uint8_t>(vector), 0xf4, 0xf4};
    std::uint64_t const at = kHandlers + vector * handler.size();
    BH_TRY(memory.write_object(GuestAddress{at}, handler));
    bool const for_programs = vector == kBreakpoint || vector == 4;
    BH_TRY(memory.write_object(GuestAddress{kIdt + vector * sizeof(Gate)},
                               interrupt_gate(kSupervisorStart + at, for_programs ? 3 : 0)));
  }
  return {};
}

}  // namespace

Result<> build_guest(vmm::GuestMemory& memory) {
  BH_TRY(map_pages(memory));
  BH_TRY(write_descriptors(memory));
  for (std::uint64_t const page : kCodePhysical) {
    BH_TRY(memory.fill(GuestAddress{page}, kPage, std::byte{kMarker}));
  }
  return {};
}

vmm::SystemRegisters guest_system_registers(std::uint64_t xcr0) {
  constexpr std::uint64_t kSaveExtended = 1u << 18;
  vmm::SystemRegisters system;
  system.cr0 = 0x8005'0033;                    // PG AM WP NE ET MP PE
  system.cr4 = 0x20 | 0x80 | 0x600 | 0x10000;  // PAE PGE OSFXSR OSXMMEXCPT FSGSBASE
  system.cr3 = kTopTable;
  system.efer = 0xd01;  // NXE LMA LME SCE
  system.apic_base = 0xfee0'0900;
  if (xcr0 != 0) system.cr4 |= kSaveExtended;
  system.xcr0 = xcr0 != 0 ? xcr0 : 1;
  vmm::Segment const null{.type = 1, .s = 1, .unusable = 1};
  system.segments.fill(null);
  system.segments[vmm::Cs] = {.limit = 0xffff'ffff,
                              .selector = kUserCode,
                              .type = 11,
                              .present = 1,
                              .dpl = 3,
                              .s = 1,
                              .l = 1,
                              .g = 1};
  system.segments[vmm::Ss] = {.limit = 0xffff'ffff,
                              .selector = kUserData,
                              .type = 3,
                              .present = 1,
                              .dpl = 3,
                              .db = 1,
                              .s = 1,
                              .g = 1};
  system.tr = {.base = kSupervisorStart + kTss,
               .limit = kTaskLimit,
               .selector = kTaskSelector,
               .type = 11,
               .present = 1};
  system.ldt = {.unusable = 1};
  system.gdt = {kSupervisorStart + kGdt, 10 * 8 - 1};
  system.idt = {kSupervisorStart + kIdt, 256 * sizeof(Gate) - 1};
  return system;
}

}  // namespace bh::isa
