#include <unordered_set>

#include "tests/isa/form.h"

namespace bh::isa {

namespace {

using Prefixes = std::array<std::uint8_t, 3>;

// Operand size, repeat and LOCK in every combination that means something, each also with the
// address-size prefix, which changes the implied registers of string and loop instructions.
constexpr std::array<Prefixes, 20> kPrefixes{{
    {},
    {0x66},
    {0xf3},
    {0xf2},
    {0x66, 0xf3},
    {0x66, 0xf2},
    {0xf0},
    {0xf0, 0x66},
    {0xf0, 0xf2},
    {0xf0, 0xf3},
    {0x67},
    {0x67, 0x66},
    {0x67, 0xf3},
    {0x67, 0xf2},
    {0x67, 0x66, 0xf3},
    {0x67, 0x66, 0xf2},
    {0x67, 0xf0},
    {0x67, 0xf0, 0x66},
    {0x67, 0xf0, 0xf2},
    {0x67, 0xf0, 0xf3},
}};

class Walk {
 public:
  std::vector<Form> take() {
    walk_legacy();
    walk_3dnow();
    walk_vector(EncodingKind::Vex, 1, 3);
    walk_vector(EncodingKind::Xop, 8, 10);
    walk_vector(EncodingKind::Evex, 1, 3);
    return std::move(forms_);
  }

 private:
  void walk_legacy() {
    for (Prefixes const& prefixes : kPrefixes) {
      for (bool const wide : {false, true}) {
        for (std::uint8_t map = 0; map < 4; ++map) {
          for (unsigned opcode = 0; opcode < 256; ++opcode) {
            if (is_prefix_or_escape(map, opcode)) continue;
            Encoding encoding;
            encoding.prefixes = prefixes;
            encoding.map = map;
            encoding.wide = wide;
            encoding.opcode = static_cast<std::uint8_t>(opcode);
            walk_modrm(encoding);
          }
        }
      }
    }
  }

  void walk_3dnow() {
    for (unsigned suffix = 0; suffix < 255; ++suffix) {
      Encoding encoding;
      encoding.map = 1;
      encoding.opcode = 0x0f;
      encoding.tail_fixed = static_cast<std::uint8_t>(suffix);
      encoding.tail_size = 1;
      encoding.has_modrm = true;
      probe(encoding, 0x00);
      probe(encoding, 0xc0);
    }
  }

  void walk_vector(EncodingKind kind, std::uint8_t first_map, std::uint8_t last_map) {
    for (std::uint8_t map = first_map; map <= last_map; ++map) {
      for (unsigned bits = 0; bits < 32; ++bits) {
        // L'L of EVEX: 512 bit too.
        if (kind != EncodingKind::Evex && bits >= 16) break;
        for (unsigned opcode = 0; opcode < 256; ++opcode) {
          Encoding encoding;
          encoding.kind = kind;
          encoding.map = map;
          encoding.vector_prefix = bits & 3;
          encoding.wide = (bits & 4) != 0;
          encoding.length_bits = static_cast<std::uint8_t>(bits >> 3);
          encoding.opcode = static_cast<std::uint8_t>(opcode);
          walk_modrm(encoding);
          encoding.vvvv = 1;  // Those that name a third register.
          walk_modrm(encoding);
        }
      }
    }
  }

  static bool is_prefix_or_escape(std::uint8_t map, unsigned opcode) {
    if (map == 1) return opcode == 0x38 || opcode == 0x3a || opcode == 0x0f;
    if (map != 0) return false;
    return opcode == 0x0f || (opcode >= 0x40 && opcode <= 0x4f) || opcode == 0x26 ||
           opcode == 0x2e || opcode == 0x36 || opcode == 0x3e ||
           (opcode >= 0x62 && opcode <= 0x67) || opcode == 0xc4 || opcode == 0xc5 ||
           opcode == 0xf0 || opcode == 0xf2 || opcode == 0xf3;
  }

  void walk_modrm(Encoding encoding) {
    encoding.has_modrm = true;
    for (unsigned modrm = 0; modrm < 64; modrm += 8) {
      if (!probe(encoding, static_cast<std::uint8_t>(modrm))) return;
    }
    // VSIB needs a SIB byte.
    for (unsigned modrm = 4; modrm < 64; modrm += 8)
      probe(encoding, static_cast<std::uint8_t>(modrm));
    for (unsigned modrm = 0xc0; modrm < 0x100; ++modrm)
      probe(encoding, static_cast<std::uint8_t>(modrm));
  }

  // Looks at one ModRM value; false when the instruction turns out to have no ModRM byte.
  bool probe(Encoding encoding, std::uint8_t modrm) {
    Fields fields;
    fields.modrm = modrm;
    fields.sib = 0x08;  // [rax+rcx]
    Assembled const assembled = assemble(encoding, fields);
    auto const decoded = decode(assembled.bytes);
    if (!decoded) {
      note_undecodable(encoding, modrm);
      return true;
    }
    ZydisDecodedInstruction const& instruction = decoded->instruction;
    encoding.has_modrm = (instruction.attributes & ZYDIS_ATTRIB_HAS_MODRM) != 0;
    // POP r/m and XOP share 8F: the decoder may have seen another prefix than was meant.
    unsigned const header =
        assembled.header_length + (encoding.has_modrm ? (has_sib(modrm) ? 1 : 0) : -1);
    encoding.tail_size = static_cast<std::uint8_t>(instruction.length - header);
    std::uint64_t const identity = form_identity(*decoded);
    if (seen_.insert(identity).second)
      forms_.push_back(make_form(encoding, modrm, *decoded, identity));
    return encoding.has_modrm;
  }

  static Form make_form(Encoding const& encoding, std::uint8_t modrm, Decoded const& decoded,
                        std::uint64_t identity) {
    Form form;
    form.encoding = encoding;
    form.example_modrm = modrm;
    form.in_memory = encoding.has_modrm && modrm < 0xc0;
    form.identity = identity;
    form.mnemonic = decoded.instruction.mnemonic;
    form.isa_set = decoded.instruction.meta.isa_set;
    form.category = decoded.instruction.meta.category;
    for (ZydisDecodedOperand const& operand : decoded.all_operands()) {
      form.reg_is_free |= operand.encoding == ZYDIS_OPERAND_ENCODING_MODRM_REG;
      form.rm_is_free |= operand.encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM && !form.in_memory;
      form.opcode_is_free |= operand.encoding == ZYDIS_OPERAND_ENCODING_OPCODE;
      form.vvvv_is_free |= operand.encoding == ZYDIS_OPERAND_ENCODING_NDSNDD;
    }
    return form;
  }

  // Undefined opcodes: one form for each prefix, map, opcode and kind of operand.
  void note_undecodable(Encoding encoding, std::uint8_t modrm) {
    if (encoding.kind != EncodingKind::Legacy || encoding.prefixes[0] == 0x67 || encoding.wide)
      return;
    if (modrm != 0x00 && modrm != 0xc0) return;
    Form form;
    form.encoding = encoding;
    form.example_modrm = modrm;
    form.in_memory = modrm < 0xc0;
    form.decodable = false;
    form.identity =
        (std::uint64_t{encoding.prefixes[0]} << 32) | (std::uint64_t{encoding.prefixes[1]} << 24) |
        (std::uint64_t{encoding.map} << 16) | (std::uint64_t{encoding.opcode} << 8) | modrm;
    if (seen_.insert(form.identity).second) forms_.push_back(form);
  }

  std::vector<Form> forms_;
  std::unordered_set<std::uint64_t> seen_;
};

}  // namespace

std::vector<Form> walk_forms() {
  return Walk().take();
}

}  // namespace bh::isa
