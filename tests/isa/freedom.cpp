#include "tests/isa/freedom.h"

#include <algorithm>
#include <array>

#include "tests/isa/decode.h"
#include "tests/isa/memory_image.h"
#include "tests/isa/memory_plan.h"

namespace bh::isa {

namespace {

struct Range {
  std::uint16_t offset = 0;
  std::uint16_t size = 0;
};

/// Bytes of a stored image that are not the guest's own: the address and opcode of the last x87
/// instruction (the engine's, where it executes x87 natively), and MXCSR_MASK, which names what the
/// CPU offers (the host may offer more than the guest's CPUID does).
struct ImageRow {
  ZydisMnemonic mnemonic;
  std::uint8_t operand_width;  // 0: any.
  std::array<Range, 2> ranges;
};
constexpr std::array<Range, 2> kFxsave{{{6, 18}, {28, 4}}};
constexpr std::array<Range, 2> kEnvironment32{{{12, 16}, {0, 0}}};
constexpr std::array<Range, 2> kEnvironment16{{{6, 8}, {0, 0}}};
constexpr std::array kImages{
    ImageRow{ZYDIS_MNEMONIC_FXSAVE, 0, kFxsave},
    ImageRow{ZYDIS_MNEMONIC_FXSAVE64, 0, kFxsave},
    ImageRow{ZYDIS_MNEMONIC_XSAVE, 0, kFxsave},
    ImageRow{ZYDIS_MNEMONIC_XSAVE64, 0, kFxsave},
    ImageRow{ZYDIS_MNEMONIC_XSAVEC, 0, kFxsave},
    ImageRow{ZYDIS_MNEMONIC_XSAVEC64, 0, kFxsave},
    ImageRow{ZYDIS_MNEMONIC_XSAVEOPT, 0, kFxsave},
    ImageRow{ZYDIS_MNEMONIC_XSAVEOPT64, 0, kFxsave},
    ImageRow{ZYDIS_MNEMONIC_FNSTENV, 16, kEnvironment16},
    ImageRow{ZYDIS_MNEMONIC_FNSTENV, 0, kEnvironment32},
    ImageRow{ZYDIS_MNEMONIC_FNSAVE, 16, kEnvironment16},
    ImageRow{ZYDIS_MNEMONIC_FNSAVE, 0, kEnvironment32},
};

/// These move their operand in an order of the CPU's own: a page fault may name any byte of it in
/// the missing page, and a store may have got anywhere before it.
constexpr std::array kPiecemeal{
    ZYDIS_MNEMONIC_FLDENV,     ZYDIS_MNEMONIC_FRSTOR,    ZYDIS_MNEMONIC_FNSTENV,
    ZYDIS_MNEMONIC_FNSAVE,     ZYDIS_MNEMONIC_FXSAVE,    ZYDIS_MNEMONIC_FXSAVE64,
    ZYDIS_MNEMONIC_FXRSTOR,    ZYDIS_MNEMONIC_FXRSTOR64, ZYDIS_MNEMONIC_XSAVE,
    ZYDIS_MNEMONIC_XSAVE64,    ZYDIS_MNEMONIC_XRSTOR,    ZYDIS_MNEMONIC_XRSTOR64,
    ZYDIS_MNEMONIC_XSAVEC,     ZYDIS_MNEMONIC_XSAVEC64,  ZYDIS_MNEMONIC_XSAVEOPT,
    ZYDIS_MNEMONIC_XSAVEOPT64,
};

void copy_bytes(std::uint64_t address, std::uint64_t size, Outcome const& host, Outcome& other) {
  for (std::uint64_t i = 0; i < size; ++i) {
    if (auto const at = image_offset(address + i)) other.memory[*at] = host.memory[*at];
  }
}

bool same_page_fault(Outcome const& host, Outcome const& other) {
  return host.vector == kPageFault && other.vector == kPageFault &&
         host.cr2 / kPage == other.cr2 / kPage;
}

}  // namespace

bool has_freedoms(ZydisMnemonic mnemonic) {
  return std::ranges::find(kImages, mnemonic, &ImageRow::mnemonic) != kImages.end() ||
         std::ranges::find(kPiecemeal, mnemonic) != kPiecemeal.end();
}

void equalize_freedoms(CaseInput const& input, Outcome const& host, Outcome& other) {
  auto const decoded = decode({input.code.bytes.data(), input.code.length}, input.code.rip);
  if (!decoded) return;
  auto const operands = decoded->all_operands();
  auto const memory =
      std::ranges::find(operands, ZYDIS_OPERAND_TYPE_MEMORY, &ZydisDecodedOperand::type);
  if (memory == operands.end()) return;
  std::uint64_t const address = linear_address(*decoded, *memory, input);
  ZydisMnemonic const mnemonic = decoded->instruction.mnemonic;
  for (ImageRow const& row : kImages) {
    if (row.mnemonic != mnemonic) continue;
    if (row.operand_width != 0 && row.operand_width != decoded->instruction.operand_width) continue;
    for (Range const& range : row.ranges)
      copy_bytes(address + range.offset, range.size, host, other);
    break;
  }
  if (std::ranges::find(kPiecemeal, mnemonic) != kPiecemeal.end() && same_page_fault(host, other)) {
    other.cr2 = host.cr2;
    copy_bytes(address, memory->size / 8, host, other);
  }
}

}  // namespace bh::isa
