#include "vmm/soft/native/rewrite.h"

#include <initializer_list>

namespace bh::vmm::soft {

namespace {

bool is_segment_prefix(std::uint8_t value) {
  return value == 0x26 || value == 0x2e || value == 0x36 || value == 0x3e || value == 0x64 ||
         value == 0x65;
}
constexpr std::uint8_t kOperandSizePrefix = 0x66;
constexpr std::uint8_t kAddressSizePrefix = 0x67;

bool is_legacy_prefix(std::uint8_t value) {
  return is_segment_prefix(value) || value == kOperandSizePrefix || value == kAddressSizePrefix ||
         value == 0xf0 || value == 0xf2 || value == 0xf3;
}

/// Instructions whose 66 prefix selects 16 against 32 bits, rather than another instruction.
bool is_general_purpose(ZydisISASet isa) {
  switch (isa) {
    case ZYDIS_ISA_SET_I86:
    case ZYDIS_ISA_SET_I186:
    case ZYDIS_ISA_SET_I286REAL:
    case ZYDIS_ISA_SET_I286PROTECTED:
    case ZYDIS_ISA_SET_I386:
    case ZYDIS_ISA_SET_I486:
    case ZYDIS_ISA_SET_I486REAL:
    case ZYDIS_ISA_SET_PENTIUMREAL:
    case ZYDIS_ISA_SET_PPRO:
    case ZYDIS_ISA_SET_CMOV: return true;
    default: return false;
  }
}

/// Where the instruction names RSP, so that only those fields change.
struct RspFields {
  bool modrm_reg = false;
  bool modrm_rm = false;
  bool opcode = false;
  bool vvvv = false;
};

class Rewriter {
 public:
  explicit Rewriter(Instruction const& instruction)
      : in_(instruction), raw_(instruction.decoded.raw) {}

  std::optional<Rewritten> run() {
    collect_registers();
    if (has_memory_ && raw_.modrm.offset == 0) return std::nullopt;
    choose_registers();
    prefixes();
    if (in_.decoded.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX) {
      vex();
    } else {
      legacy_opcode();
    }
    modrm_and_immediates();
    return out_;
  }

 private:
  void collect_registers() {
    for (auto const& operand : in_.all_operands()) {
      if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY) has_memory_ = true;
      if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
      auto const reg = general_register(operand.reg.value);
      if (!reg) continue;
      if (*reg == Rsp) {
        uses_rsp_ = true;
        rsp_written_ = rsp_written_ || (operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
        switch (operand.encoding) {
          case ZYDIS_OPERAND_ENCODING_MODRM_REG: rsp_.modrm_reg = true; break;
          case ZYDIS_OPERAND_ENCODING_MODRM_RM: rsp_.modrm_rm = true; break;
          case ZYDIS_OPERAND_ENCODING_OPCODE: rsp_.opcode = true; break;
          case ZYDIS_OPERAND_ENCODING_NDSNDD: rsp_.vvvv = true; break;
          default: break;
        }
        continue;
      }
      out_.used.add(*reg);
      if ((operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0) out_.written.add(*reg);
    }
  }

  Gpr take(std::initializer_list<Gpr> candidates) {
    for (auto const reg : candidates) {
      if (out_.used.has(reg) || taken_.has(reg)) continue;
      taken_.add(reg);
      return reg;
    }
    return Rsp;  // Unreachable: no instruction names that many registers.
  }

  void choose_registers() {
    // RAX carries the flags in and out. Pointers to memory and RSP's stand-in are among the low
    // eight, so that no REX prefix is needed where AH, CH, DH or BH forbid one; RBP and RSP
    // cannot be a base without displacement or SIB.
    out_.state = take({Rdi, R8, R9, R10, R11});
    if (has_memory_) out_.memory = take({Rsi, Rdx, Rcx, Rdi, Rbx});
    if (uses_rsp_) {
      out_.rsp_stand_in = take({Rdx, Rcx, Rsi, Rdi, Rbp, Rbx});
      out_.used.add(out_.rsp_stand_in);
      if (rsp_written_) out_.written.add(out_.rsp_stand_in);
    }
  }

  void put(unsigned value) { out_.bytes[out_.size++] = static_cast<std::uint8_t>(value); }

  void prefixes() {
    bool operand_size_prefix = false;
    for (unsigned i = 0; is_legacy_prefix(in_.bytes[i]); ++i) {
      std::uint8_t const value = in_.bytes[i];
      if (value == kOperandSizePrefix) {
        operand_size_prefix = true;
      } else if (!is_segment_prefix(value) && value != kAddressSizePrefix) {
        put(value);
      }
    }
    // In 16-bit code 66 asks for 32 bits; the host's default is 32.
    if (in_.code_size == CodeSize::Bits16 && sized_by_prefix()) {
      operand_size_prefix = in_.decoded.operand_width == 16;
    }
    if (operand_size_prefix) put(kOperandSizePrefix);
  }

  bool sized_by_prefix() const {
    return is_general_purpose(in_.decoded.meta.isa_set) &&
           (in_.decoded.operand_width == 16 || in_.decoded.operand_width == 32);
  }

  /// Offset of the first opcode byte: after legacy prefixes and REX.
  unsigned opcode_offset() const {
    if (has_rex()) return raw_.rex.offset + 1u;
    unsigned offset = 0;
    while (is_legacy_prefix(in_.bytes[offset])) ++offset;
    return offset;
  }
  bool has_rex() const { return (in_.decoded.attributes & ZYDIS_ATTRIB_HAS_REX) != 0; }

  void legacy_opcode() {
    if (has_rex()) {
      unsigned rex = in_.bytes[raw_.rex.offset];
      if (has_memory_) rex &= ~0x3u;  // Index and base are gone.
      put(rex);
    }
    unsigned const end = raw_.modrm.offset != 0 ? raw_.modrm.offset : immediates_offset();
    unsigned const last = end - 1;
    for (unsigned i = opcode_offset(); i < end; ++i) {
      unsigned value = in_.bytes[i];
      if (i == last && raw_.modrm.offset == 0) {
        if (is_short_increment(value)) {
          short_increment(value);
          return;
        }
        if (rsp_.opcode) value = (value & ~7u) | out_.rsp_stand_in;
      }
      put(value);
    }
  }

  bool is_short_increment(unsigned opcode) const {
    return in_.code_size != CodeSize::Bits64 &&
           in_.decoded.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && opcode >= 0x40 && opcode <= 0x4f;
  }
  /// 40-4F are REX prefixes on the host: INC and DEC in their long form.
  void short_increment(unsigned opcode) {
    unsigned reg = opcode & 7;
    if (rsp_.opcode) reg = out_.rsp_stand_in;
    put(0xff);
    put(0xc0 | (opcode >= 0x48 ? 8 : 0) | reg);
  }

  void vex() {
    unsigned const start = raw_.vex.offset;
    put(in_.bytes[start]);
    for (unsigned i = 1; i < raw_.vex.size; ++i) {
      unsigned value = in_.bytes[start + i];
      // X and B, stored inverted: index and base are gone.
      if (i == 1 && raw_.vex.size == 3 && has_memory_) value |= 0x60;
      bool const has_vvvv = i + 1u == raw_.vex.size;
      if (has_vvvv && rsp_.vvvv) value = (value & ~0x78u) | (~out_.rsp_stand_in & 0xfu) << 3;
      put(value);
    }
    unsigned const end = raw_.modrm.offset != 0 ? raw_.modrm.offset : in_.decoded.length;
    for (unsigned i = start + raw_.vex.size; i < end; ++i) put(in_.bytes[i]);
  }

  unsigned immediates_offset() const {
    return raw_.imm[0].size != 0 ? raw_.imm[0].offset : in_.decoded.length;
  }

  void modrm_and_immediates() {
    unsigned tail = in_.decoded.length;
    if (raw_.modrm.offset != 0) {
      unsigned modrm = in_.bytes[raw_.modrm.offset];
      tail = raw_.modrm.offset + 1u;
      if (rsp_.modrm_reg) modrm = (modrm & ~0x38u) | out_.rsp_stand_in << 3;
      if (has_memory_) {
        modrm = (modrm & 0x38u) | out_.memory;
        if (raw_.sib.offset != 0) tail = raw_.sib.offset + 1u;
        if (raw_.disp.size != 0) tail = raw_.disp.offset + raw_.disp.size / 8u;
      } else if (rsp_.modrm_rm) {
        modrm = (modrm & ~7u) | out_.rsp_stand_in;
      }
      put(modrm);
    } else if (in_.decoded.encoding != ZYDIS_INSTRUCTION_ENCODING_VEX) {
      tail = immediates_offset();
    }
    for (unsigned i = tail; i < in_.decoded.length; ++i) put(in_.bytes[i]);
  }

  Instruction const& in_;
  ZydisDecodedInstructionRaw const& raw_;
  Rewritten out_;
  GprSet taken_;
  RspFields rsp_;
  bool has_memory_ = false;
  bool uses_rsp_ = false;
  bool rsp_written_ = false;
};

}  // namespace

std::optional<Gpr> general_register(ZydisRegister reg) {
  ZydisRegister const whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
  if (whole < ZYDIS_REGISTER_RAX || whole > ZYDIS_REGISTER_R15) return std::nullopt;
  return static_cast<Gpr>(whole - ZYDIS_REGISTER_RAX);
}

std::optional<Rewritten> rewrite(Instruction const& instruction) {
  return Rewriter(instruction).run();
}

}  // namespace bh::vmm::soft
