#include "tests/isa/encoding.h"

namespace bh::isa {

namespace {

void put(Assembled& out, std::uint8_t byte) {
  out.bytes[out.length++] = byte;
}

void put_legacy_opcode(Assembled& out, Encoding const& encoding, Fields const& fields) {
  unsigned const rex = (encoding.wide ? 8 : 0) | (fields.extend_reg ? 4 : 0) |
                       (fields.extend_index ? 2 : 0) | (fields.extend_base ? 1 : 0);
  if (rex != 0 || fields.force_rex) put(out, static_cast<std::uint8_t>(0x40 | rex));
  if (encoding.map != 0) put(out, 0x0f);
  if (encoding.map == 2) put(out, 0x38);
  if (encoding.map == 3) put(out, 0x3a);
}

void put_vex(Assembled& out, Encoding const& encoding, Fields const& fields) {
  unsigned const r = fields.extend_reg ? 0 : 0x80;
  unsigned const x = fields.extend_index ? 0 : 0x40;
  unsigned const b = fields.extend_base ? 0 : 0x20;
  unsigned const last = (encoding.wide ? 0x80 : 0) | ((~encoding.vvvv & 15u) << 3) |
                        (encoding.length_bits << 2) | encoding.vector_prefix;
  bool const fits_short =
      encoding.kind == EncodingKind::Vex && encoding.map == 1 && !encoding.wide && x != 0 && b != 0;
  if (fields.short_vex && fits_short) {
    put(out, 0xc5);
    put(out, static_cast<std::uint8_t>(r | (last & 0x7f)));
    return;
  }
  put(out, encoding.kind == EncodingKind::Xop ? 0x8f : 0xc4);
  put(out, static_cast<std::uint8_t>(r | x | b | encoding.map));
  put(out, static_cast<std::uint8_t>(last));
}

void put_evex(Assembled& out, Encoding const& encoding) {
  put(out, 0x62);
  put(out, static_cast<std::uint8_t>(0xf0 | encoding.map));
  put(out, static_cast<std::uint8_t>((encoding.wide ? 0x80 : 0) | ((~encoding.vvvv & 15u) << 3) |
                                     4 | encoding.vector_prefix));
  put(out, static_cast<std::uint8_t>((encoding.length_bits << 5) | 8));
}

}  // namespace

bool has_sib(std::uint8_t modrm) {
  return modrm < 0xc0 && (modrm & 7) == 4;
}

unsigned displacement_size(std::uint8_t modrm, std::uint8_t sib) {
  unsigned const mod = modrm >> 6;
  if (mod == 1) return 1;
  if (mod == 2) return 4;
  if (mod == 0 && (modrm & 7) == 5) return 4;
  if (mod == 0 && has_sib(modrm) && (sib & 7) == 5) return 4;
  return 0;
}

Assembled assemble(Encoding const& encoding, Fields const& fields) {
  Assembled out;
  for (std::uint8_t const prefix : fields.extra_prefixes) {
    if (prefix != 0) put(out, prefix);
  }
  for (std::uint8_t const prefix : encoding.prefixes) {
    if (prefix != 0) put(out, prefix);
  }
  switch (encoding.kind) {
    case EncodingKind::Legacy: put_legacy_opcode(out, encoding, fields); break;
    case EncodingKind::Vex:
    case EncodingKind::Xop: put_vex(out, encoding, fields); break;
    case EncodingKind::Evex: put_evex(out, encoding); break;
  }
  put(out, fields.opcode_register == 0xff
               ? encoding.opcode
               : static_cast<std::uint8_t>((encoding.opcode & 0xf8) | fields.opcode_register));
  if (encoding.has_modrm) put(out, fields.modrm);
  out.header_length = out.length;
  if (encoding.has_modrm) {
    if (has_sib(fields.modrm)) put(out, fields.sib);
    unsigned const size = displacement_size(fields.modrm, fields.sib);
    if (size != 0) out.displacement_at = out.length;
    for (unsigned i = 0; i < size; ++i) {
      put(out, static_cast<std::uint8_t>(fields.displacement >> (8 * i)));
    }
  }
  for (unsigned i = 0; i < encoding.tail_size; ++i) {
    put(out, i < 8 ? static_cast<std::uint8_t>(fields.tail >> (8 * i)) : 0);
  }
  if (encoding.tail_fixed != 0xff) out.bytes[out.length - 1] = encoding.tail_fixed;
  return out;
}

}  // namespace bh::isa
