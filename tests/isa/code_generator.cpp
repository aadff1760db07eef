#include "tests/isa/code_generator.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "tests/isa/decode.h"

namespace bh::isa {

namespace {

enum class Addressing : std::uint8_t {
  Base,
  BaseDisp8,
  BaseDisp32,
  BaseIndex,
  BaseIndexDisp8,
  BaseIndexDisp32,
  IndexDisp32,
  Absolute,
  RipRelative,
};
constexpr unsigned kAddressings = 9;

std::uint8_t make_modrm(unsigned mod, unsigned reg, unsigned rm) {
  return static_cast<std::uint8_t>((mod << 6) | (reg << 3) | rm);
}

std::uint32_t near_displacement(Random& random, bool wide) {
  if (!wide) return static_cast<std::uint32_t>(random.below(256));
  if (random.one_in(4)) return static_cast<std::uint32_t>(interesting_integer(random));
  return static_cast<std::uint32_t>(random.below(0x20000)) - 0x10000;
}

void choose_memory(Fields& fields, unsigned reg, Random& random) {
  auto const kind = static_cast<Addressing>(random.below(kAddressings));
  auto const base = static_cast<unsigned>(random.below(8));
  auto const index = static_cast<unsigned>(random.below(8));
  auto const sib = static_cast<std::uint8_t>((random.below(4) << 6) | (index << 3) | base);
  fields.extend_base = random.one_in(2);
  fields.sib = sib;
  // Base 4 means SIB, base 5 without displacement means something else: there the SIB form or the
  // displacement is needed to name rsp, r12, rbp and r13 at all.
  unsigned const plain = base == 4 ? 4 : base;
  if (base == 4) fields.sib = static_cast<std::uint8_t>((sib & 0xc0) | 0x24);
  switch (kind) {
    case Addressing::Base: fields.modrm = make_modrm(base == 5 ? 1 : 0, reg, plain); break;
    case Addressing::BaseDisp8: fields.modrm = make_modrm(1, reg, plain); break;
    case Addressing::BaseDisp32: fields.modrm = make_modrm(2, reg, plain); break;
    case Addressing::BaseIndex: fields.modrm = make_modrm(base == 5 ? 1 : 0, reg, 4); break;
    case Addressing::BaseIndexDisp8: fields.modrm = make_modrm(1, reg, 4); break;
    case Addressing::BaseIndexDisp32: fields.modrm = make_modrm(2, reg, 4); break;
    case Addressing::IndexDisp32:
      fields.modrm = make_modrm(0, reg, 4);
      fields.sib = static_cast<std::uint8_t>((sib & 0xf8) | 5);
      break;
    case Addressing::Absolute:
      fields.modrm = make_modrm(0, reg, 4);
      fields.sib = 0x25;
      break;
    case Addressing::RipRelative: fields.modrm = make_modrm(0, reg, 5); break;
  }
  bool const indexed = kind >= Addressing::BaseIndex && kind <= Addressing::IndexDisp32;
  if (indexed) {
    fields.sib = kind == Addressing::IndexDisp32 ? fields.sib : sib;
    fields.extend_index = random.one_in(2);
  }
  fields.displacement = near_displacement(random, kind != Addressing::BaseDisp8);
  bool const names_address = kind >= Addressing::IndexDisp32;
  if (names_address) {
    fields.displacement =
        static_cast<std::uint32_t>(kDataStart - 64 + random.below(kDataSpan + 128));
  }
}

// Prefixes that change nothing but the address (67h, FS, GS) or nothing at all.
void choose_extra_prefixes(Fields& fields, bool in_memory, bool may_have_more, Random& random) {
  constexpr std::array<std::uint8_t, 8> kAny{0x64, 0x65, 0x2e, 0x36, 0x3e, 0x26, 0x66, 0xf2};
  if (in_memory && random.one_in(8)) fields.extra_prefixes[0] = 0x67;
  if (in_memory && random.one_in(6)) fields.extra_prefixes[1] = random.one_in(2) ? 0x64 : 0x65;
  if (may_have_more && random.one_in(24)) fields.extra_prefixes[2] = random.pick(kAny);
}

std::uint64_t choose_rip(unsigned length, Random& random) {
  std::uint64_t const end = kCodeStart + kCodeSize;
  if (random.one_in(24)) return end - length;  // Runs off the end after it.
  if (random.one_in(24) && length > 1) return end - 1 - random.below(length - 1);  // Cut off.
  if (random.one_in(10)) return kCodeStart + kPage - random.below(length + 1);
  return kCodeStart + 0x100 + random.below(0xe00);
}

std::uint64_t choose_tail(Decoded const& decoded, Encoding const& encoding, Random& random) {
  ZydisDecodedInstruction const& instruction = decoded.instruction;
  if (encoding.tail_size == 8 || (encoding.tail_size == 4 && !encoding.has_modrm &&
                                  encoding.map == 0 && (encoding.opcode & 0xfc) == 0xa0)) {
    bool const moffs = (encoding.opcode & 0xfc) == 0xa0;
    std::uint64_t const start =
        random.one_in(2) && encoding.tail_size == 8 ? kHighDataStart : kDataStart;
    if (moffs) return start - 16 + random.below(kDataSpan);
  }
  if (instruction.raw.imm[0].is_relative) {
    // Short forms stay among the markers; long ones now and then leave for unmapped space.
    if (encoding.tail_size == 1) return random.below(256);
    if (random.one_in(8)) return random.next();
    return random.below(0x400) - 0x200;
  }
  if (random.one_in(3)) return random.next();
  return interesting_integer(random);
}

Fields choose_fields(Form const& form, Decoded const& example, Random& random) {
  Fields fields;
  unsigned const reg =
      form.reg_is_free ? static_cast<unsigned>(random.below(8)) : (form.example_modrm >> 3) & 7u;
  if (form.reg_is_free) fields.extend_reg = random.one_in(2);
  if (form.opcode_is_free) {
    fields.opcode_register = static_cast<std::uint8_t>(random.below(8));
    fields.extend_base = random.one_in(2);
  }
  if (form.encoding.has_modrm) {
    if (form.in_memory) {
      choose_memory(fields, reg, random);
    } else {
      unsigned const rm =
          form.rm_is_free ? static_cast<unsigned>(random.below(8)) : form.example_modrm & 7u;
      fields.modrm = make_modrm(3, reg, rm);
      if (form.rm_is_free) fields.extend_base = random.one_in(2);
    }
  }
  // High-byte registers exist only without REX: give them their share.
  if (form.encoding.kind == EncodingKind::Legacy && random.one_in(3)) {
    fields.extend_reg = fields.extend_index = fields.extend_base = false;
  } else {
    fields.force_rex = random.one_in(6);
  }
  fields.short_vex = random.one_in(2);
  // Whether 66h changes a near branch depends on the vendor.
  bool const branch = example.instruction.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE ||
                      form.mnemonic == ZYDIS_MNEMONIC_RET;
  bool const addresses = form.in_memory || form.category == ZYDIS_CATEGORY_STRINGOP;
  choose_extra_prefixes(fields, addresses, !branch, random);
  fields.tail = choose_tail(example, form.encoding, random);
  return fields;
}

// A loop to itself ends after RCX turns, if ever.
bool leads_into_itself(Decoded const& decoded) {
  auto const& immediate = decoded.instruction.raw.imm[0];
  if (!immediate.is_relative) return false;
  return immediate.value.s < 0 && immediate.value.s >= -std::int64_t{decoded.instruction.length};
}

Code place(Assembled assembled, Fields const& fields, std::optional<std::uint64_t> rip,
           Random& random) {
  Code code;
  code.length = assembled.length;
  code.rip = rip ? *rip : choose_rip(assembled.length, random);
  if ((fields.modrm & 0xc7) == 5 && assembled.displacement_at != 0) {
    auto const relative =
        static_cast<std::uint32_t>(fields.displacement - (code.rip + assembled.length));
    std::memcpy(assembled.bytes.data() + assembled.displacement_at, &relative, 4);
  }
  std::copy_n(assembled.bytes.begin(), assembled.length, code.bytes.begin());
  return code;
}

}  // namespace

Code generate_code(Form const& form, Random& random, std::optional<std::uint64_t> rip) {
  constexpr int kAttempts = 12;
  auto const example = form.decode_example();
  if (!form.decodable || !example) {
    Fields fields;
    fields.modrm = static_cast<std::uint8_t>(form.example_modrm | random.below(8));
    fields.sib = static_cast<std::uint8_t>(random.next());
    Encoding encoding = form.encoding;
    return place(assemble(encoding, fields), Fields{}, rip, random);
  }
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Encoding encoding = form.encoding;
    if (form.vvvv_is_free) encoding.vvvv = static_cast<std::uint8_t>(random.below(16));
    Fields const fields = choose_fields(form, *example, random);
    Assembled const assembled = assemble(encoding, fields);
    if (assembled.length > ZYDIS_MAX_INSTRUCTION_LENGTH) continue;
    auto const decoded = decode({assembled.bytes.data(), assembled.length});
    bool const same = decoded && decoded->instruction.length == assembled.length &&
                      form_identity(*decoded) == form.identity;
    bool const system_call = form.mnemonic == ZYDIS_MNEMONIC_INT && (fields.tail & 0xff) == 0x80;
    if (same && !system_call && !leads_into_itself(*decoded)) {
      return place(assembled, fields, rip, random);
    }
  }
  return place(form.example(), Fields{}, rip, random);
}

}  // namespace bh::isa
