#include "vmm/soft/compare/straight_code.h"

#include <algorithm>
#include <array>

#include "vmm/soft/cache/block.h"
#include "vmm/soft/translate/block_shape.h"
#include "vmm/soft/translate/block_writer.h"

namespace bh::vmm::soft {

namespace {

bool is_repeatable(Instruction const& instruction) {
  auto const mnemonic = instruction.decoded.mnemonic;
  return mnemonic != ZYDIS_MNEMONIC_RDRAND && mnemonic != ZYDIS_MNEMONIC_RDSEED;
}

void decode_all(Cpu& cpu, Fetched const& place, TranslationMode mode, StraightCode& out) {
  Instruction instruction;
  std::size_t const left = left_in_page(place.host);
  std::size_t const start = kPageSize - left;
  std::size_t at = 0;
  unsigned branches = 0;
  while (at < left && out.pieces.size() < Block::kLongest) {
    std::size_t const size = std::min<std::size_t>(left - at, ZYDIS_MAX_INSTRUCTION_LENGTH);
    auto const bytes = watched_bytes(cpu, place.host + at, size);
    if (decode(bytes, CodeSize::Bits64, instruction) != DecodeStatus::Ok) break;
    out.pieces.push_back(make_piece(instruction, static_cast<std::uint16_t>(start + at), mode));
    if (!is_repeatable(instruction)) out.repeatable = false;
    at += instruction.decoded.length;
    auto const kind = out.pieces.back().kind;
    if (ends_block(kind)) break;
    if (kind == PieceKind::Branch && ++branches == kMostBranches) break;
  }
  find_live_flags(out.pieces, mode);
}

}  // namespace

StraightCode const& StraightCodeCache::at(Cpu& cpu, Fetched const& place, TranslationMode mode) {
  if (known_.size() > kMost) known_.clear();
  auto& code = known_[{place.host, mode.number()}];
  if (!code.pieces.empty() && code.version == place.version) return code;
  code = {.version = place.version, .pieces = {}, .repeatable = true};
  decode_all(cpu, place, mode, code);
  return code;
}

}  // namespace bh::vmm::soft
