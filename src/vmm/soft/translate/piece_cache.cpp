#include "vmm/soft/translate/piece_cache.h"

#include <algorithm>
#include <cstring>

namespace bh::vmm::soft {

namespace {

// A key has seven bytes of the instruction.
constexpr std::size_t kMostBytes = 7;

bool is_prefix(std::uint8_t value) {
  switch (value) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65:
    case 0x66:
    case 0xf0:
    case 0xf2:
    case 0xf3: return true;
    default: return false;
  }
}

/// VEX, EVEX, XOP, and the address size's prefix, which changes what ModRM says.
bool is_other_encoding(std::uint8_t value) {
  return value == 0xc4 || value == 0xc5 || value == 0x62 || value == 0x8f || value == 0x67;
}

bool is_rex(std::uint8_t value) {
  return (value & 0xf0) == 0x40;
}

/// Little-endian, 1, 2, 4 or 8 bytes.
std::int64_t number_at(std::uint8_t const* at, std::size_t size, bool is_signed) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, size);
  if (!is_signed || size == sizeof value) return static_cast<std::int64_t>(value);
  auto const shift = static_cast<int>(64 - 8 * size);
  return static_cast<std::int64_t>(value << shift) >> shift;
}

}  // namespace

PieceCache::PieceCache() : entries_(std::make_unique<Entry[]>(kEntries)) {}

DecodeStatus PieceCache::make(std::span<std::uint8_t const> bytes, std::uint16_t start,
                              TranslationMode mode, Piece& out) {
  Shape shape;
  Layout* layout = nullptr;
  bool const regular = parse(bytes, mode, shape, layout);
  if (regular) {
    Entry const& entry = entries_[place_of(shape.key)];
    auto const end =
        shape.displacement + shape.displacement_size + entry.piece.encoding.immediate_size;
    if (entry.key == shape.key && static_cast<std::size_t>(end) <= bytes.size()) {
      ++hits_;
      out = with_numbers(entry, shape, bytes, start);
      return DecodeStatus::Ok;
    }
  }
  Instruction instruction;
  if (auto const status = decode(bytes, CodeSize::Bits64, instruction);
      status != DecodeStatus::Ok) {
    return status;
  }
  out = make_piece(instruction, start, mode);
  if (layout != nullptr) learn(instruction, shape, *layout, bytes, out);
  return DecodeStatus::Ok;
}

bool PieceCache::parse(std::span<std::uint8_t const> bytes, TranslationMode mode, Shape& shape,
                       Layout*& layout) {
  std::size_t at = 0;
  std::size_t const most = std::min(bytes.size(), kMostBytes);
  auto const next = [&](std::uint8_t& value) {
    if (at == most) return false;
    value = bytes[at++];
    return true;
  };
  std::uint8_t byte = 0;
  do {
    if (!next(byte)) return false;
  } while (is_prefix(byte));
  if (is_rex(byte) && !next(byte)) return false;
  if (is_other_encoding(byte) || is_prefix(byte) || is_rex(byte)) return false;
  std::size_t map = 0;
  if (byte == 0x0f) {
    if (!next(byte)) return false;
    map = byte == 0x38 ? 2 : byte == 0x3a ? 3 : 1;
    if (byte == 0x0f || (map != 1 && !next(byte))) return false;
  }
  layout = &layouts_[map * 256 + byte];
  if (*layout == Layout::Unknown || *layout == Layout::Irregular) return false;
  if (*layout == Layout::ModRm) {
    shape.modrm = static_cast<std::uint8_t>(at);
    std::uint8_t modrm = 0;
    std::uint8_t sib = 0;
    if (!next(modrm)) return false;
    unsigned const mode_bits = modrm >> 6;
    bool const has_sib = mode_bits != 3 && (modrm & 7) == 4;
    if (has_sib && !next(sib)) return false;
    bool const without_base = has_sib ? (sib & 7) == 5 : (modrm & 7) == 5;
    if (mode_bits == 1) shape.displacement_size = 1;
    if (mode_bits == 2 || (mode_bits == 0 && without_base)) shape.displacement_size = 4;
  }
  shape.displacement = static_cast<std::uint8_t>(at);
  std::memcpy(&shape.key, bytes.data(), at);
  // At least one byte, so no key is 0.
  shape.key |= (mode.number() | std::uint64_t{at} << 5) << 56;
  return true;
}

Piece PieceCache::with_numbers(Entry const& entry, Shape const& shape,
                               std::span<std::uint8_t const> bytes, std::uint16_t start) {
  Piece piece = entry.piece;
  std::size_t const immediate = shape.displacement + shape.displacement_size;
  std::size_t const length = immediate + entry.piece.encoding.immediate_size;
  piece.op.start = start;
  piece.op.end = static_cast<std::uint16_t>(start + length);
  if (shape.displacement_size != 0 && piece.op.has_memory) {
    piece.op.displacement =
        number_at(bytes.data() + shape.displacement, shape.displacement_size, true);
    if (piece.op.base == kRipSlot) piece.op.displacement += piece.op.end;
  }
  if (entry.piece.encoding.immediate_size != 0) {
    piece.op.immediate = number_at(bytes.data() + immediate, entry.piece.encoding.immediate_size,
                                   entry.immediate_signed);
  }
  if (piece.stack_move) piece.stack_move = stack_move_of(piece.op, entry.mnemonic);
  auto& code = piece.encoding;
  code.length = static_cast<std::uint8_t>(length);
  std::memcpy(code.bytes.data(), bytes.data(), length);
  return piece;
}

void PieceCache::learn(Instruction const& instruction, Shape const& shape, Layout& layout,
                       std::span<std::uint8_t const> bytes, Piece const& piece) {
  auto const& raw = instruction.decoded.raw;
  if (layout == Layout::Unknown) {
    layout = raw.modrm.offset != 0 ? Layout::ModRm : Layout::Plain;
    return;
  }
  if (shape.key == 0) return;
  // Numbers that are not where they are expected: ENTER, MOV with an absolute address, moves of
  // control registers.
  bool const expected =
      raw.modrm.offset == shape.modrm && raw.disp.size == 8 * shape.displacement_size &&
      (raw.disp.size == 0 || raw.disp.offset == shape.displacement) && raw.imm[1].size == 0;
  Entry entry{.key = shape.key, .mnemonic = instruction.decoded.mnemonic, .piece = piece};
  entry.immediate_signed = raw.imm[0].is_signed || raw.imm[0].is_relative;
  auto const again = with_numbers(entry, shape, bytes, piece.start());
  bool const same = again.end() == piece.end() && again.op.displacement == piece.op.displacement &&
                    again.op.immediate == piece.op.immediate &&
                    again.stack_move == piece.stack_move &&
                    again.encoding.length == piece.encoding.length;
  if (!expected || !same) {
    layout = Layout::Irregular;
    return;
  }
  entries_[place_of(shape.key)] = entry;
}

}  // namespace bh::vmm::soft
