#include "tests/isa/decode.h"

namespace bh::isa {

namespace {

ZydisDecoder const& decoder() {
  static ZydisDecoder const instance = [] {
    ZydisDecoder made;
    ZydisDecoderInit(&made, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    return made;
  }();
  return instance;
}

constexpr std::uint64_t kBehaviourAttributes =
    ZYDIS_ATTRIB_HAS_LOCK | ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE;

class Hash {
 public:
  void add(std::uint64_t value) {
    state_ ^= value + 0x9e37'79b9'7f4a'7c15;
    state_ *= 0xff51'afd7'ed55'8ccd;
    state_ ^= state_ >> 32;
  }
  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0;
};

bool is_encoded(ZydisDecodedOperand const& operand) {
  return operand.encoding != ZYDIS_OPERAND_ENCODING_NONE;
}

void add_operand(Hash& hash, ZydisDecodedOperand const& operand) {
  hash.add(operand.type);
  hash.add(operand.visibility);
  hash.add(operand.encoding);
  hash.add(operand.size);
  hash.add(operand.actions);
  hash.add(operand.element_type);
  hash.add(operand.element_size);
  if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER) {
    hash.add(ZydisRegisterGetClass(operand.reg.value));
    if (!is_encoded(operand)) hash.add(operand.reg.value);
  } else if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY) {
    hash.add(operand.mem.type);
    if (!is_encoded(operand)) hash.add(operand.mem.base);
  } else if (operand.type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
    hash.add(operand.imm.is_relative);
  }
}

// The decoder takes [disp32] with REX.B or VEX.B and the 67 prefix for [r13d]: SIB base 5
// under mod 0 means no base whatever B says (SDM vol. 2, table 2-3).
void correct_missing_base(Decoded& decoded) {
  auto const& raw = decoded.instruction.raw;
  if (raw.sib.offset == 0 || raw.modrm.mod != 0 || raw.sib.base != 5) return;
  std::span const operands(decoded.operands.data(), decoded.instruction.operand_count);
  for (ZydisDecodedOperand& operand : operands) {
    bool const encoded = operand.type == ZYDIS_OPERAND_TYPE_MEMORY &&
                         operand.encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM;
    if (!encoded) continue;
    operand.mem.base = ZYDIS_REGISTER_NONE;
    operand.mem.disp.has_displacement = ZYAN_TRUE;
    operand.mem.disp.value = raw.disp.value;
  }
}

}  // namespace

std::optional<Decoded> decode(std::span<std::uint8_t const> bytes, std::uint64_t rip) {
  Decoded decoded;
  ZyanStatus const status = ZydisDecoderDecodeFull(&decoder(), bytes.data(), bytes.size(),
                                                   &decoded.instruction, decoded.operands.data());
  if (!ZYAN_SUCCESS(status)) return std::nullopt;
  correct_missing_base(decoded);
  decoded.next_rip = rip + decoded.instruction.length;
  return decoded;
}

std::vector<Decoded> decode_all(std::span<std::uint8_t const> bytes, std::uint64_t rip) {
  std::vector<Decoded> all;
  while (!bytes.empty()) {
    auto decoded = decode(bytes, rip);
    if (!decoded) break;
    bytes = bytes.subspan(decoded->instruction.length);
    rip = decoded->next_rip;
    all.push_back(std::move(*decoded));
  }
  return all;
}

std::string disassemble(std::span<std::uint8_t const> bytes, std::uint64_t rip) {
  static ZydisFormatter const formatter = [] {
    ZydisFormatter made;
    ZydisFormatterInit(&made, ZYDIS_FORMATTER_STYLE_INTEL);
    return made;
  }();
  std::string all;
  for (Decoded const& decoded : decode_all(bytes, rip)) {
    char text[256];
    ZydisFormatterFormatInstruction(&formatter, &decoded.instruction, decoded.operands.data(),
                                    decoded.instruction.operand_count_visible, text, sizeof text,
                                    decoded.next_rip - decoded.instruction.length, nullptr);
    all += (all.empty() ? "" : "; ") + std::string(text);
  }
  return all.empty() ? "(undecodable)" : all;
}

std::uint64_t form_identity(Decoded const& decoded) {
  ZydisDecodedInstruction const& instruction = decoded.instruction;
  Hash hash;
  hash.add(instruction.mnemonic);
  hash.add(instruction.encoding);
  // Of AVX-512 only the rejection is tested, for which the mnemonic is distinction enough.
  if (instruction.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX) return hash.value();
  hash.add(instruction.opcode_map);
  hash.add(instruction.operand_width);
  hash.add(instruction.attributes & kBehaviourAttributes);
  bool opcode_names_register = false;
  for (ZydisDecodedOperand const& operand : decoded.all_operands()) {
    add_operand(hash, operand);
    opcode_names_register |= operand.encoding == ZYDIS_OPERAND_ENCODING_OPCODE;
  }
  hash.add(opcode_names_register ? instruction.opcode & 0xf8 : instruction.opcode);
  if (instruction.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX) {
    hash.add(instruction.raw.vex.L);
    hash.add(instruction.raw.vex.W);
    hash.add(instruction.raw.vex.pp);
  }
  return hash.value();
}

}  // namespace bh::isa
