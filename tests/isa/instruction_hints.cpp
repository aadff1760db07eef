#include "tests/isa/instruction_hints.h"

#include <algorithm>
#include <cstring>

#include "tests/isa/memory_plan.h"

namespace bh::isa {

namespace {

using vmm::Gpr;

ZydisDecodedOperand const* find_memory(Decoded const& decoded) {
  auto const operands = decoded.all_operands();
  auto const found = std::ranges::find_if(operands, [](ZydisDecodedOperand const& operand) {
    return operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.mem.type != ZYDIS_MEMOP_TYPE_AGEN;
  });
  return found == operands.end() ? nullptr : &*found;
}

// Never AMD's bit 17, which the guest's CPU does not have.
std::uint32_t any_mxcsr(Random& random) {
  auto const value = static_cast<std::uint32_t>(random.below(0x10000));
  return random.one_in(8) ? value | 0x8000'0000 : value;
}

std::uint64_t code_target(Random& random) {
  if (random.one_in(16)) return any_data_address(random);     // Not executable.
  if (random.one_in(16)) return interesting_integer(random);  // Anywhere.
  return kCodeStart + random.below(kCodeSize);
}

// A dividend in RDX:RAX (AX for bytes) of which the quotient has a chance to fit.
void prepare_division(bool with_sign, Random& random, CaseInput& input) {
  std::uint64_t& high = input.gpr[Gpr::Rdx];
  std::uint64_t const low = input.gpr[Gpr::Rax];
  if (random.one_in(4)) return;
  high = with_sign && random.one_in(2)
             ? static_cast<std::uint64_t>(static_cast<std::int64_t>(low) >> 63)
             : random.below(3);
  if (random.one_in(3)) input.gpr[Gpr::Rax] = low & 0x7fff;
}

template <typename T>
void patch(CaseInput& input, std::size_t which, std::uint64_t address, T const& value) {
  Patch& target = input.patches[which];
  target.address = address;
  target.size = sizeof value;
  std::memcpy(target.bytes.data(), &value, sizeof value);
}

void prepare_branch(Decoded const& decoded, Random& random, CaseInput& input) {
  ZydisDecodedOperand const& operand = decoded.operands[0];
  if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER ||
      operand.visibility != ZYDIS_OPERAND_VISIBILITY_EXPLICIT)
    return;
  int const number = gpr_number(operand.reg.value);
  if (number >= 0) input.gpr[static_cast<std::size_t>(number)] = code_target(random);
}

void prepare_xsave_area(std::uint64_t address, Random& random, CaseInput& input) {
  constexpr std::uint64_t kHeader = 512;
  struct Header {
    std::uint64_t xstate_bv = 0;
    std::uint64_t xcomp_bv = 0;
    std::array<std::uint64_t, 6> reserved{};
  } header;
  header.xstate_bv = random.below(8);
  patch(input, 0, address + kHeader, header);
}

}  // namespace

void prepare_operands(Decoded const& decoded, Random& random, CaseInput& input) {
  ZydisDecodedInstruction const& instruction = decoded.instruction;
  auto& gpr = input.gpr;
  if ((instruction.attributes &
       (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)) != 0) {
    if (!random.one_in(8)) gpr[Gpr::Rcx] = random.below(40);
    // 67h looks at ECX alone.
    if (instruction.address_width == 32 && random.one_in(2)) gpr[Gpr::Rcx] |= random.next() << 32;
  }
  switch (instruction.mnemonic) {
    case ZYDIS_MNEMONIC_DIV: prepare_division(false, random, input); break;
    case ZYDIS_MNEMONIC_IDIV: prepare_division(true, random, input); break;
    case ZYDIS_MNEMONIC_LOOP:
    case ZYDIS_MNEMONIC_LOOPE:
    case ZYDIS_MNEMONIC_LOOPNE:
    case ZYDIS_MNEMONIC_JECXZ:
    case ZYDIS_MNEMONIC_JRCXZ:
      if (random.one_in(2))
        gpr[Gpr::Rcx] = random.below(3) | (random.one_in(3) ? random.next() << 32 : 0);
      break;
    case ZYDIS_MNEMONIC_JMP:
    case ZYDIS_MNEMONIC_CALL: prepare_branch(decoded, random, input); break;
    case ZYDIS_MNEMONIC_BT:
    case ZYDIS_MNEMONIC_BTS:
    case ZYDIS_MNEMONIC_BTR:
    case ZYDIS_MNEMONIC_BTC: {
      int const number = decoded.operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER
                             ? gpr_number(decoded.operands[1].reg.value)
                             : -1;
      if (number >= 0 && random.below(4) != 0) {
        gpr[static_cast<std::size_t>(number)] = random.below(0x20000) - 0x10000;
      }
      break;
    }
    case ZYDIS_MNEMONIC_XSAVE:
    case ZYDIS_MNEMONIC_XSAVE64:
    case ZYDIS_MNEMONIC_XSAVEC:
    case ZYDIS_MNEMONIC_XSAVEC64:
    case ZYDIS_MNEMONIC_XSAVEOPT:
    case ZYDIS_MNEMONIC_XSAVEOPT64:
    case ZYDIS_MNEMONIC_XRSTOR:
    case ZYDIS_MNEMONIC_XRSTOR64:
      // Components the guest's XCR0 lacks are not comparable.
      gpr[Gpr::Rax] = random.below(8);
      gpr[Gpr::Rdx] = 0;
      break;
    default: break;
  }
}

void prepare_memory(Decoded const& decoded, Random& random, CaseInput& input) {
  ZydisDecodedOperand const* const memory = find_memory(decoded);
  if (memory == nullptr) return;
  bool const as_it_is = random.one_in(8);
  std::uint64_t const address = linear_address(decoded, *memory, input);
  switch (decoded.instruction.mnemonic) {
    case ZYDIS_MNEMONIC_RET:
      if (!as_it_is) patch(input, 0, input.gpr[Gpr::Rsp], code_target(random));
      break;
    case ZYDIS_MNEMONIC_JMP:
    case ZYDIS_MNEMONIC_CALL:
      if (!as_it_is) patch(input, 0, address, code_target(random));
      break;
    case ZYDIS_MNEMONIC_CMPXCHG:
      if (random.one_in(2)) patch(input, 0, address, input.gpr[Gpr::Rax]);
      break;
    case ZYDIS_MNEMONIC_CMPXCHG8B:
      if (random.one_in(2)) {
        patch(input, 0, address, (input.gpr[Gpr::Rdx] << 32) | (input.gpr[Gpr::Rax] & 0xffff'ffff));
      }
      break;
    case ZYDIS_MNEMONIC_CMPXCHG16B:
      if (random.one_in(2)) {
        patch(input, 0, address, std::array{input.gpr[Gpr::Rax], input.gpr[Gpr::Rdx]});
      }
      break;
    case ZYDIS_MNEMONIC_LDMXCSR:
    case ZYDIS_MNEMONIC_VLDMXCSR: patch(input, 0, address, any_mxcsr(random)); break;
    case ZYDIS_MNEMONIC_XRSTOR:
    case ZYDIS_MNEMONIC_XRSTOR64:
      prepare_xsave_area(address, random, input);
      patch(input, 1, address + 24, any_mxcsr(random));
      break;
    case ZYDIS_MNEMONIC_FXRSTOR:
    case ZYDIS_MNEMONIC_FXRSTOR64: patch(input, 1, address + 24, any_mxcsr(random)); break;
    case ZYDIS_MNEMONIC_POPF:
    case ZYDIS_MNEMONIC_POPFQ:
      // Without TF most of the time: single stepping ends in the marker either way.
      patch(input, 0, input.gpr[Gpr::Rsp], random.next() & (random.one_in(8) ? ~0ull : ~0x100ull));
      break;
    default: break;
  }
}

}  // namespace bh::isa
