#include "vmm/boot/segments.h"

#include <array>

#include "vmm/boot/layout.h"

namespace bh::vmm::boot {

namespace {

// SDM vol. 3, 3.4.5.1 and 3.5: with the accessed and busy bits that loading sets.
constexpr std::uint8_t kCodeReadAccessed = 0xb;
constexpr std::uint8_t kDataWriteAccessed = 0x3;
constexpr std::uint8_t kTaskBusy = 0xb;
constexpr std::uint32_t kTaskLimit = 0x67;

// Null, unused, code, data, and a task descriptor of two slots in 64-bit mode.
constexpr std::size_t kSlots = 6;

Segment flat(std::uint16_t selector, std::uint8_t type) {
  return {.limit = 0xffff'ffff,
          .selector = selector,
          .type = type,
          .present = 1,
          .db = 1,
          .s = 1,
          .g = 1};
}

/// SDM vol. 3, 3.4.5, figure 3-8.
std::uint64_t descriptor(Segment const& segment) {
  std::uint64_t const limit = segment.g != 0 ? segment.limit >> 12 : segment.limit;
  std::uint64_t const access = std::uint64_t{segment.type} | std::uint64_t{segment.s} << 4 |
                               std::uint64_t{segment.dpl} << 5 |
                               std::uint64_t{segment.present} << 7;
  std::uint64_t const flags = std::uint64_t{segment.avl} | std::uint64_t{segment.l} << 1 |
                              std::uint64_t{segment.db} << 2 | std::uint64_t{segment.g} << 3;
  return (limit & 0xffff) | (segment.base & 0xff'ffff) << 16 | access << 40 |
         (limit >> 16 & 0xf) << 48 | flags << 52 | (segment.base >> 24 & 0xff) << 56;
}

}  // namespace

Result<> load_flat_segments(GuestMemory& memory, CodeWidth width, SystemRegisters& system) {
  Segment code = flat(kCodeSelector, kCodeReadAccessed);
  if (width == CodeWidth::Bits64) {
    code.l = 1;
    code.db = 0;
  }
  Segment const data = flat(kDataSelector, kDataWriteAccessed);
  Segment const task{
      .limit = kTaskLimit, .selector = kTaskSelector, .type = kTaskBusy, .present = 1};

  std::array<std::uint64_t, kSlots> const gdt{
      0, 0, descriptor(code), descriptor(data), descriptor(task), 0};
  BH_TRY(memory.write_object(kGdt, gdt));

  system.segments.fill(data);
  system.segments[Cs] = code;
  system.tr = task;
  system.ldt = Segment{.type = 2, .unusable = 1};
  system.gdt = {.base = kGdt.value, .limit = sizeof gdt - 1};
  // The kernel sets up its own before it can take an exception; one before that is a shutdown.
  system.idt = {};
  return {};
}

}  // namespace bh::vmm::boot
