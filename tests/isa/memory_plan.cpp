#include "tests/isa/memory_plan.h"

#include <algorithm>
#include <cstring>

#include "tests/isa/fxsave_layout.h"

namespace bh::isa {

namespace {

constexpr std::uint64_t kNotCanonical = 0x8000'1234'5678'9000;
constexpr std::uint64_t kKernelHalf = 0xffff'c000'0000'0000;

/// Where an operand of `size` bytes shall lie.
std::uint64_t choose_target(std::uint64_t size, bool high_allowed, Random& random) {
  std::uint64_t const start = high_allowed && random.one_in(3) ? kHighDataStart : kDataStart;
  std::uint64_t const inside =
      start + random.below(2 * kPage - std::min<std::uint64_t>(size, kPage));
  auto straddling = [&](std::uint64_t border) {
    return start + border - 1 - random.below(std::max<std::uint64_t>(size, 2) - 1);
  };
  switch (random.below(32)) {
    default: return inside & ~std::uint64_t{63};
    case 0 ... 5: return inside & ~(std::max<std::uint64_t>(size & (0 - size), 1) - 1);
    case 6 ... 11: return inside;
    case 12 ... 14: return straddling(kPage);
    case 15: return straddling(kReadOnlyOffset);
    case 16: return straddling(kGuardOffset);
    case 17: return straddling(kLastPageOffset);
    case 18: return straddling(kDataSpan);
    case 19: return start + kReadOnlyOffset + random.below(kPage - 64);
    case 20: return start + kGuardOffset + random.below(kPage - 64);
    case 21: return start + kDataSpan - size;  // Ends with the last page.
    case 22:
      if (!high_allowed || !random.one_in(4)) return random.below(0x8000);
      return (random.one_in(2) ? kNotCanonical : kKernelHalf) + random.below(kPage);
  }
}

std::uint64_t* segment_base(ZydisRegister segment, CaseInput& input) {
  if (segment == ZYDIS_REGISTER_FS) return &input.fs_base;
  if (segment == ZYDIS_REGISTER_GS) return &input.gs_base;
  return nullptr;
}

std::uint64_t signed_displacement(ZydisDecodedOperand const& operand) {
  return operand.mem.disp.has_displacement ? static_cast<std::uint64_t>(operand.mem.disp.value) : 0;
}

bool is_vector(ZydisRegister reg) {
  auto const kind = ZydisRegisterGetClass(reg);
  return kind == ZYDIS_REGCLASS_XMM || kind == ZYDIS_REGCLASS_YMM;
}

// Indices of a gather: small, so that most elements lie near the base.
void set_vector_index(ZydisRegister reg, Random& random, CaseInput& input) {
  auto const number = static_cast<std::size_t>(ZydisRegisterGetId(reg));
  bool const wide = random.one_in(2);
  for (std::byte* half :
       {input.fpu.fxsave.data() + fxsave::kXmm + 16 * number, input.fpu.ymm_high[number].data()}) {
    for (std::size_t i = 0; i < 16; i += wide ? 8 : 4) {
      std::int64_t const value = static_cast<std::int64_t>(random.below(512)) - 128;
      std::memcpy(half + i, &value, wide ? 8 : 4);
    }
  }
}

std::uint64_t index_value(Decoded const& decoded, ZydisDecodedOperand const& operand,
                          CaseInput const& input) {
  int const number = gpr_number(operand.mem.index);
  if (number < 0) return 0;
  std::uint64_t value = input.gpr[static_cast<std::size_t>(number)];
  if (operand.mem.index == ZYDIS_REGISTER_AL) return value & 0xff;
  if (decoded.instruction.address_width == 32) value &= 0xffff'ffff;
  return value * std::max<unsigned>(operand.mem.scale, 1);
}

void set_register(int number, std::uint64_t value, unsigned address_width, Random& random,
                  CaseInput& input) {
  // What a 32-bit address has to ignore.
  if (address_width == 32) value = (value & 0xffff'ffff) | (random.next() << 32);
  input.gpr[static_cast<std::size_t>(number)] = value;
}

void plan_operand(Decoded const& decoded, ZydisDecodedOperand const& operand, Random& random,
                  CaseInput& input) {
  unsigned const width = decoded.instruction.address_width;
  std::uint64_t const size = std::max<std::uint64_t>(operand.size / 8, 1);
  std::uint64_t const target = choose_target(size, width == 64, random);
  std::uint64_t* const segment = segment_base(operand.mem.segment, input);
  int const base = gpr_number(operand.mem.base);
  int const index = gpr_number(operand.mem.index);
  if (segment != nullptr && width == 32 && *segment == kHighDataStart) *segment = 0x1000;
  // AMD wants the address canonical before the segment base is added, too; Intel does not.
  if (segment != nullptr && target >= kHighDataStart + kDataSpan) *segment = 0;
  std::uint64_t const origin = segment != nullptr ? *segment : 0;
  std::uint64_t const displacement = signed_displacement(operand);
  if (is_vector(operand.mem.index)) set_vector_index(operand.mem.index, random, input);

  if (base >= 0) {
    if (index >= 0 && index != base && operand.mem.index != ZYDIS_REGISTER_AL &&
        random.below(4) != 0) {
      set_register(index, random.below(0x4000) - 0x1000, width, random, input);
    }
    std::uint64_t const scaled = index == base ? 0 : index_value(decoded, operand, input);
    std::uint64_t value = target - origin - displacement - scaled;
    if (index == base) value /= 1 + operand.mem.scale;
    set_register(base, value, width, random, input);
  } else if (index >= 0) {
    std::uint64_t const scaled = target - origin - displacement;
    set_register(index, scaled / std::max<unsigned>(operand.mem.scale, 1), width, random, input);
  } else if (segment != nullptr) {
    *segment = target - linear_address(decoded, operand, input) + origin;
    // Only canonical bases can be loaded.
    if (static_cast<std::int64_t>(*segment << 16) >> 16 != static_cast<std::int64_t>(*segment))
      *segment = 0;
  }
}

}  // namespace

std::uint64_t any_data_address(Random& random) {
  std::uint64_t const start = random.one_in(3) ? kHighDataStart : kDataStart;
  return start + 64 + random.below(2 * kPage - 128);
}

int gpr_number(ZydisRegister reg) {
  ZydisRegister const whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
  if (whole < ZYDIS_REGISTER_RAX || whole > ZYDIS_REGISTER_R15) return -1;
  return whole - ZYDIS_REGISTER_RAX;
}

std::uint64_t linear_address(Decoded const& decoded, ZydisDecodedOperand const& operand,
                             CaseInput const& input) {
  std::uint64_t address = signed_displacement(operand) + index_value(decoded, operand, input);
  if (operand.mem.base == ZYDIS_REGISTER_RIP || operand.mem.base == ZYDIS_REGISTER_EIP) {
    address += decoded.next_rip;
  } else if (int const base = gpr_number(operand.mem.base); base >= 0) {
    address += input.gpr[static_cast<std::size_t>(base)];
  }
  if (decoded.instruction.address_width == 32) address &= 0xffff'ffff;
  if (operand.mem.segment == ZYDIS_REGISTER_FS) address += input.fs_base;
  if (operand.mem.segment == ZYDIS_REGISTER_GS) address += input.gs_base;
  return address;
}

void plan_memory(Decoded const& decoded, Random& random, CaseInput& input) {
  for (ZydisDecodedOperand const& operand : decoded.all_operands()) {
    if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY) plan_operand(decoded, operand, random, input);
  }
}

}  // namespace bh::isa
