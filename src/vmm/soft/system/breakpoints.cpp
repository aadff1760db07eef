#include "vmm/soft/system/breakpoints.h"

#include "vmm/soft/mmu/access.h"

namespace bh::vmm::soft {

namespace {

// DR7: two enable bits a register from bit 0, then four bits a register from bit 16.
enum class Kind : std::uint8_t { Execution = 0, Write = 1, Port = 2, ReadWrite = 3 };

struct Breakpoint {
  bool enabled = false;
  Kind kind = Kind::Execution;
  std::uint64_t first = 0;
  std::uint64_t size = 1;

  bool overlaps(std::uint64_t address, std::uint64_t bytes) const {
    return address < first + size && first < address + bytes;
  }
};

constexpr unsigned kCount = 4;

Breakpoint breakpoint(Cpu const& cpu, unsigned number) {
  // The length field counts 1, 2, 8, 4 bytes; addresses are aligned to it.
  constexpr std::uint64_t kSizes[] = {1, 2, 8, 4};
  std::uint64_t const control = cpu.debug.dr7;
  std::uint64_t const size = kSizes[control >> (18 + 4 * number) & 3];
  return {.enabled = (control >> (2 * number) & 3) != 0,
          .kind = static_cast<Kind>(control >> (16 + 4 * number) & 3),
          .first = cpu.debug.address[number] & ~(size - 1),
          .size = size};
}

}  // namespace

std::uint64_t execution_hits(Cpu const& cpu) {
  if ((cpu.system_flags & kFlagRf) != 0) return 0;
  std::uint64_t const linear =
      cpu.code_size == CodeSize::Bits64 ? cpu.rip : cpu.rip + cpu.segment_base[Cs];
  std::uint64_t hits = 0;
  for (unsigned i = 0; i < kCount; ++i) {
    auto const point = breakpoint(cpu, i);
    if (point.enabled && point.kind == Kind::Execution && point.first == linear) hits |= 1u << i;
  }
  return hits;
}

std::uint64_t data_hits(Cpu const& cpu, Op const& op) {
  if (!op.has_memory || op.memory_size == 0) return 0;
  std::uint64_t const linear = effective_address(cpu, op);
  bool const writes = op.memory_access != OperandAccess::Read;
  std::uint64_t hits = 0;
  for (unsigned i = 0; i < kCount; ++i) {
    auto const point = breakpoint(cpu, i);
    bool const watches = point.kind == Kind::ReadWrite || (point.kind == Kind::Write && writes);
    if (point.enabled && watches && point.overlaps(linear, op.memory_size)) hits |= 1u << i;
  }
  return hits;
}

}  // namespace bh::vmm::soft
