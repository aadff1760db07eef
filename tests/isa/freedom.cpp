#include "tests/isa/freedom.h"

#include <algorithm>
#include <array>

#include "tests/isa/decode.h"
#include "tests/isa/fxsave_layout.h"
#include "tests/isa/memory_image.h"
#include "tests/isa/memory_plan.h"

namespace bh::isa {

namespace {

enum Freedom : std::uint16_t {
  // Moves its operand in an order of the CPU's own: a page fault may name any byte of it in any bad
  // page, and a store may have got anywhere before it.
  kPiecemeal = 1 << 0,
  // Where the mask lets one byte of a missing page through, the fault may name that byte or the
  // start of the operand's part in the page.
  kMasked = 1 << 1,
  // May fault for bytes it does not move: masked off, or of a component that the header says is
  // not there.
  kFaultsForNothing = 1 << 2,
  // Two operands in memory, or a stack and a target: which is looked at first, nobody says.
  kTwoOperands = 1 << 3,
  // Some CPUs have gone over from x87 to MMX state when it raises #XM, some have not.
  kUsesMmx = 1 << 4,
  // The image says what the CPU offers: MXCSR_MASK.
  kFxsaveImage = 1 << 5,
  // Initial state may count as in use or not.
  kExtendedSave = 1 << 6,
  // AMD loads the addresses and the opcode of the last x87 instruction only with an error pending.
  kLoadsPointers = 1 << 7,
};

// Of an XSAVE area with x87, SSE and AVX (SDM vol. 1, 13.4).
constexpr std::uint64_t kLargestArea = 832;

struct Row {
  ZydisMnemonic mnemonic;
  unsigned freedoms;
};
constexpr std::array kRows{
    Row{ZYDIS_MNEMONIC_FXSAVE, kPiecemeal | kFxsaveImage},
    Row{ZYDIS_MNEMONIC_FXSAVE64, kPiecemeal | kFxsaveImage},
    Row{ZYDIS_MNEMONIC_FXRSTOR, kPiecemeal | kLoadsPointers},
    Row{ZYDIS_MNEMONIC_FXRSTOR64, kPiecemeal | kLoadsPointers},
    Row{ZYDIS_MNEMONIC_XSAVE, kPiecemeal | kFxsaveImage | kExtendedSave},
    Row{ZYDIS_MNEMONIC_XSAVE64, kPiecemeal | kFxsaveImage | kExtendedSave},
    Row{ZYDIS_MNEMONIC_XSAVEC, kPiecemeal | kFxsaveImage | kExtendedSave},
    Row{ZYDIS_MNEMONIC_XSAVEC64, kPiecemeal | kFxsaveImage | kExtendedSave},
    Row{ZYDIS_MNEMONIC_XSAVEOPT, kPiecemeal | kFxsaveImage | kExtendedSave},
    Row{ZYDIS_MNEMONIC_XSAVEOPT64, kPiecemeal | kFxsaveImage | kExtendedSave},
    Row{ZYDIS_MNEMONIC_XRSTOR, kPiecemeal | kFaultsForNothing | kLoadsPointers},
    Row{ZYDIS_MNEMONIC_XRSTOR64, kPiecemeal | kFaultsForNothing | kLoadsPointers},
    Row{ZYDIS_MNEMONIC_FLDENV, kPiecemeal},
    Row{ZYDIS_MNEMONIC_FRSTOR, kPiecemeal},
    Row{ZYDIS_MNEMONIC_FNSTENV, kPiecemeal},
    Row{ZYDIS_MNEMONIC_FNSAVE, kPiecemeal},
    Row{ZYDIS_MNEMONIC_MASKMOVQ, kMasked | kFaultsForNothing},
    Row{ZYDIS_MNEMONIC_MASKMOVDQU, kMasked | kFaultsForNothing},
    Row{ZYDIS_MNEMONIC_VMASKMOVDQU, kMasked | kFaultsForNothing},
    Row{ZYDIS_MNEMONIC_VMASKMOVPS, kMasked},
    Row{ZYDIS_MNEMONIC_VMASKMOVPD, kMasked},
    Row{ZYDIS_MNEMONIC_VPMASKMOVD, kMasked},
    Row{ZYDIS_MNEMONIC_VPMASKMOVQ, kMasked},
    Row{ZYDIS_MNEMONIC_CMPSB, kTwoOperands},
    Row{ZYDIS_MNEMONIC_CMPSW, kTwoOperands},
    Row{ZYDIS_MNEMONIC_CMPSD, kTwoOperands},
    Row{ZYDIS_MNEMONIC_CMPSQ, kTwoOperands},
    Row{ZYDIS_MNEMONIC_CALL, kTwoOperands},
    Row{ZYDIS_MNEMONIC_CVTPS2PI, kUsesMmx},
    Row{ZYDIS_MNEMONIC_CVTTPS2PI, kUsesMmx},
    Row{ZYDIS_MNEMONIC_CVTPD2PI, kUsesMmx},
    Row{ZYDIS_MNEMONIC_CVTTPD2PI, kUsesMmx},
    Row{ZYDIS_MNEMONIC_CVTPI2PS, kUsesMmx},
    Row{ZYDIS_MNEMONIC_CVTPI2PD, kUsesMmx},
};

unsigned freedoms_of(ZydisMnemonic mnemonic) {
  auto const row = std::ranges::find(kRows, mnemonic, &Row::mnemonic);
  return row == kRows.end() ? 0 : row->freedoms;
}

bool is_fault(std::uint8_t vector) {
  return vector == kPageFault || vector == kGeneralProtection || vector == kStackFault;
}

bool is_canonical(std::uint64_t address) {
  auto const value = static_cast<std::int64_t>(address);
  return value == value << 16 >> 16;
}

void copy_bytes(std::uint64_t address, std::uint64_t size, Outcome const& host, Outcome& other) {
  for (std::uint64_t i = 0; i < size; ++i) {
    if (auto const at = image_offset(address + i)) other.memory[*at] = host.memory[*at];
  }
}

void copy_fault(Outcome const& host, Outcome& other) {
  other.vector = host.vector;
  other.cr2 = host.cr2;
  other.error_code = host.error_code;
}

void copy_x87(Outcome const& host, Outcome& other) {
  auto const from = host.fpu.fxsave.begin();
  auto const to = other.fpu.fxsave.begin();
  std::copy(from, from + fxsave::kLastOpcode, to);
  std::copy(from + fxsave::kStack, from + fxsave::kXmm, to + fxsave::kStack);
}

void copy_x87_pointers(Outcome const& host, Outcome& other) {
  auto const from = host.fpu.fxsave.begin();
  std::copy(from + fxsave::kLastOpcode, from + fxsave::kMxcsr,
            other.fpu.fxsave.begin() + fxsave::kLastOpcode);
}

/// The instruction at which a case stopped, and the state it found.
class Stop {
 public:
  Stop(CaseInput const& input, Outcome const& host) : found_(input) {
    std::uint64_t const offset = host.rip - input.code.rip;
    bool const inside = offset < input.code.length;
    std::span const bytes(input.code.bytes.data(), input.code.length);
    decoded_ = inside ? decode(bytes.subspan(offset), host.rip)
                      : decode(bytes, input.code.rip);  // It ran to its end.
    if (inside) {
      found_.gpr = host.gpr;
      found_.fs_base = host.fs_base;
      found_.gs_base = host.gs_base;
    }
  }

  unsigned freedoms() const { return decoded_ ? freedoms_of(decoded_->instruction.mnemonic) : 0; }

  ZydisDecodedOperand const* memory() const {
    if (!decoded_) return nullptr;
    auto const operands = decoded_->all_operands();
    auto const found =
        std::ranges::find(operands, ZYDIS_OPERAND_TYPE_MEMORY, &ZydisDecodedOperand::type);
    return found == operands.end() ? nullptr : &*found;
  }
  std::uint64_t linear(ZydisDecodedOperand const& operand) const {
    return linear_address(*decoded_, operand, found_);
  }

  // AMD wants an address canonical before the segment base is added, too; Intel does not.
  bool canonical_only_with_base() const {
    ZydisDecodedOperand const* const operand = memory();
    if (operand == nullptr) return false;
    std::uint64_t base = 0;
    if (operand->mem.segment == ZYDIS_REGISTER_FS) base = found_.fs_base;
    if (operand->mem.segment == ZYDIS_REGISTER_GS) base = found_.gs_base;
    std::uint64_t const address = linear(*operand) + bit_distance();
    return is_canonical(address) && !is_canonical(address - base);
  }

 private:
  // BT and its kin with a register reach beyond the operand they name.
  std::uint64_t bit_distance() const {
    auto const& bit = decoded_->operands[1];
    int const number = bit.type == ZYDIS_OPERAND_TYPE_REGISTER ? gpr_number(bit.reg.value) : -1;
    if (decoded_->instruction.meta.category != ZYDIS_CATEGORY_BITBYTE || number < 0) return 0;
    auto const value = found_.gpr[static_cast<std::size_t>(number)];
    unsigned const unused = 64u - bit.size;
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(value << unused) >> unused >> 3);
  }

  std::optional<Decoded> decoded_;
  CaseInput found_;
};

void equalize_image(Stop const& stop, Outcome const& host, Outcome& other) {
  std::uint64_t const address = stop.linear(*stop.memory());
  if ((stop.freedoms() & kFxsaveImage) != 0) {
    copy_bytes(address + fxsave::kMxcsrMask, 4, host, other);
  }
  if ((stop.freedoms() & kLoadsPointers) != 0) copy_x87_pointers(host, other);
}

void equalize_faults(Stop const& stop, Outcome const& host, Outcome& other) {
  unsigned const freedoms = stop.freedoms();
  bool const page_faults = host.vector == kPageFault && other.vector == kPageFault;
  if ((freedoms & kPiecemeal) != 0 && page_faults) {
    std::uint64_t const address = stop.linear(*stop.memory());
    if (other.cr2 - address < kLargestArea) copy_fault(host, other);
    copy_bytes(address, kLargestArea, host, other);
  }
  // The operand's pages may both be bad, and the first hold no byte the mask chooses.
  if ((freedoms & kMasked) != 0 && page_faults) copy_fault(host, other);
  bool const same_place = is_fault(host.vector) && is_fault(other.vector) && host.rip == other.rip;
  if ((freedoms & kTwoOperands) != 0 && same_place) copy_fault(host, other);
  // Misaligned and not canonical at once: #GP or #SS.
  bool const refused = host.vector != kPageFault && other.vector != kPageFault;
  if ((freedoms & kPiecemeal) != 0 && same_place && refused) copy_fault(host, other);
  bool const simd_errors = host.vector == kSimdError && other.vector == kSimdError;
  if ((freedoms & kUsesMmx) != 0 && simd_errors) copy_x87(host, other);
}

bool any_outcome_is_right(Stop const& stop, CaseInput const& input, Outcome const& host,
                          Outcome const& other) {
  constexpr std::uint64_t kX87SseAvx = 7;
  unsigned const freedoms = stop.freedoms();
  // The case's own registers may ask XSAVE for components that only the host's XCR0 has.
  std::uint64_t const asked = input.gpr[vmm::Rax] & 0xffff'ffff;
  if ((freedoms & kExtendedSave) != 0 && (asked & ~kX87SseAvx) != 0) return true;
  bool const other_went_on = !is_fault(other.vector) || other.rip != host.rip;
  if ((freedoms & kFaultsForNothing) != 0 && is_fault(host.vector) && other_went_on) {
    return true;
  }
  bool const refused = host.vector == kGeneralProtection || host.vector == kStackFault;
  return refused && stop.canonical_only_with_base();
}

}  // namespace

bool has_freedoms(ZydisMnemonic mnemonic) {
  return freedoms_of(mnemonic) != 0;
}

bool changes_freely(ZydisMnemonic mnemonic) {
  return (freedoms_of(mnemonic) & ~unsigned{kTwoOperands}) != 0;
}

void equalize_freedoms(CaseInput const& input, Outcome const& host, Outcome& other) {
  Stop const stop(input, host);
  if (any_outcome_is_right(stop, input, host, other)) {
    other = host;
    return;
  }
  equalize_faults(stop, host, other);
  // AMD's FXSAVE and FXRSTOR drop the pointers while no error is pending. Who uses them between two
  // instructions of a program, as a kernel or an engine does, loses what a later FLDCW would show.
  auto const first = decode({input.code.bytes.data(), input.code.length});
  bool const sequence = first && first->instruction.length < input.code.length;
  if (sequence) copy_x87_pointers(host, other);
  if (stop.memory() == nullptr) return;
  equalize_image(stop, host, other);
  bool const avx_in_initial_state = input.fpu.ymm_high == decltype(input.fpu.ymm_high){};
  if ((stop.freedoms() & kExtendedSave) != 0 && avx_in_initial_state) other.memory = host.memory;
}

}  // namespace bh::isa
