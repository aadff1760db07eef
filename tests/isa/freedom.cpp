#include "tests/isa/freedom.h"

#include <algorithm>
#include <array>

#include "tests/isa/decode.h"
#include "tests/isa/fxsave_layout.h"
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

/// Where the mask lets one byte of a missing page through, the fault may name that byte or the
/// start of the operand's part in the page.
constexpr std::array kMasked{
    ZYDIS_MNEMONIC_MASKMOVQ,   ZYDIS_MNEMONIC_MASKMOVDQU, ZYDIS_MNEMONIC_VMASKMOVDQU,
    ZYDIS_MNEMONIC_VMASKMOVPS, ZYDIS_MNEMONIC_VMASKMOVPD, ZYDIS_MNEMONIC_VPMASKMOVD,
    ZYDIS_MNEMONIC_VPMASKMOVQ,
};

/// Two operands in memory: nobody says which is looked at first.
constexpr std::array kTwoOperands{ZYDIS_MNEMONIC_CMPSB, ZYDIS_MNEMONIC_CMPSW, ZYDIS_MNEMONIC_CMPSD,
                                  ZYDIS_MNEMONIC_CMPSQ};

/// Some CPUs have gone over from x87 to MMX state when these raise #XM, some have not.
constexpr std::array kToMmx{ZYDIS_MNEMONIC_CVTPS2PI, ZYDIS_MNEMONIC_CVTTPS2PI,
                            ZYDIS_MNEMONIC_CVTPD2PI, ZYDIS_MNEMONIC_CVTTPD2PI};

template <std::size_t N>
bool contains(std::array<ZydisMnemonic, N> const& mnemonics, ZydisMnemonic mnemonic) {
  return std::ranges::find(mnemonics, mnemonic) != mnemonics.end();
}

void copy_bytes(std::uint64_t address, std::uint64_t size, Outcome const& host, Outcome& other) {
  for (std::uint64_t i = 0; i < size; ++i) {
    if (auto const at = image_offset(address + i)) other.memory[*at] = host.memory[*at];
  }
}

bool both(Vector vector, Outcome const& host, Outcome const& other) {
  return host.vector == vector && other.vector == vector;
}

void equalize_x87(Outcome const& host, Outcome& other) {
  auto const from = host.fpu.fxsave.begin();
  std::copy(from, from + fxsave::kLastOpcode, other.fpu.fxsave.begin());
  std::copy(from + fxsave::kStack, from + fxsave::kXmm, other.fpu.fxsave.begin() + fxsave::kStack);
}

void equalize_faults(ZydisMnemonic mnemonic, Outcome const& host, Outcome& other) {
  if (both(kPageFault, host, other)) {
    bool const same_page = host.cr2 / kPage == other.cr2 / kPage;
    bool const any_byte = contains(kPiecemeal, mnemonic) || contains(kMasked, mnemonic);
    if (any_byte && same_page) other.cr2 = host.cr2;
    if (contains(kTwoOperands, mnemonic)) {
      other.cr2 = host.cr2;
      other.error_code = host.error_code;
    }
  }
  if (both(kSimdError, host, other) && contains(kToMmx, mnemonic)) equalize_x87(host, other);
}

}  // namespace

bool has_freedoms(ZydisMnemonic mnemonic) {
  return std::ranges::find(kImages, mnemonic, &ImageRow::mnemonic) != kImages.end() ||
         contains(kPiecemeal, mnemonic) || contains(kMasked, mnemonic) ||
         contains(kTwoOperands, mnemonic) || contains(kToMmx, mnemonic);
}

void equalize_freedoms(CaseInput const& input, Outcome const& host, Outcome& other) {
  auto const decoded = decode({input.code.bytes.data(), input.code.length}, input.code.rip);
  if (!decoded) return;
  ZydisMnemonic const mnemonic = decoded->instruction.mnemonic;
  equalize_faults(mnemonic, host, other);
  auto const operands = decoded->all_operands();
  auto const memory =
      std::ranges::find(operands, ZYDIS_OPERAND_TYPE_MEMORY, &ZydisDecodedOperand::type);
  if (memory == operands.end()) return;
  std::uint64_t const address = linear_address(*decoded, *memory, input);
  for (ImageRow const& row : kImages) {
    if (row.mnemonic != mnemonic) continue;
    if (row.operand_width != 0 && row.operand_width != decoded->instruction.operand_width) continue;
    for (Range const& range : row.ranges)
      copy_bytes(address + range.offset, range.size, host, other);
    break;
  }
  if (contains(kPiecemeal, mnemonic) && both(kPageFault, host, other)) {
    copy_bytes(address, memory->size / 8, host, other);
  }
}

}  // namespace bh::isa
