#include <algorithm>
#include <array>

#include "vmm/soft/cache/fetch.h"
#include "vmm/soft/mmu/access.h"
#include "vmm/soft/mmu/walk.h"
#include "vmm/soft/translate/block_shape.h"
#include "vmm/soft/translate/perf_map.h"
#include "vmm/soft/translate/translator.h"

namespace bh::vmm::soft {

bool Translator::find(Place& place, Stop& stop, std::uint32_t& block) {
  Fetched fetched;
  if (auto const flow = fetch(cpu_, cpu_.rip, fetched); flow != Flow::Next) {
    stop = flow == Flow::Fault ? Stop::Fault : Stop::Exit;
    fault_op_ = nullptr;
    return false;
  }
  auto const known = cache_->find(fetched.host, mode_);
  if (known && still_there(cache_->block(*known))) {
    block = *known;
  } else {
    block = translate(fetched.host, fetched.page);
    if (auto* const map = cpu_.machine->perf_map) {
      auto const start = cache_->address(cache_->block(block).entries.external);
      map->add(start, cache_->address(cache_->block(block).code_end) - start, cpu_.rip, mode_.user);
    }
  }
  cpu_.crossing.rip_page = cpu_.rip & ~(kPageSize - 1);
  place = {.code = cache_->address(cache_->block(block).entries.saved)};
  if (one_block_) return true;
  bool global = false;
  if (!mode_.user) global = walk(cpu_, cpu_.rip, Access::Execute, Privilege::Supervisor).global;
  cache_->enter_jump(cpu_.rip, block, global);
  return true;
}

bool Translator::decode_piece(std::uint16_t offset, TranslationCache::Source& source) {
  Piece piece;
  std::byte const* const at =
      source.host + (offset - (reinterpret_cast<std::uint64_t>(source.host) & (kPageSize - 1)));
  std::size_t const size = std::min<std::size_t>(left_in_page(at), ZYDIS_MAX_INSTRUCTION_LENGTH);
  std::array<std::uint8_t, ZYDIS_MAX_INSTRUCTION_LENGTH> copy{};
  auto const bytes = watched_bytes(cpu_, at, size);
  std::copy(bytes.begin(), bytes.end(), copy.begin());
  auto status = piece_cache_.make(std::span(copy).first(size), offset, mode_, piece);
  if (status == DecodeStatus::NeedsMoreBytes && size < ZYDIS_MAX_INSTRUCTION_LENGTH) {
    source.next_straddles = true;
    if (!pieces_.empty()) return false;
    Fetched second;
    if (fetch(cpu_, (cpu_.rip | (kPageSize - 1)) + 1, second) == Flow::Next) {
      source.second_page = second.host;
      source.second_page_number = second.page;
      auto const more = watched_bytes(cpu_, second.host, copy.size() - size);
      std::copy(more.begin(), more.end(), copy.begin() + static_cast<std::ptrdiff_t>(size));
      status = piece_cache_.make(copy, offset, mode_, piece);
    }
  }
  if (status == DecodeStatus::Ok) {
    pieces_.push_back(piece);
    return true;
  }
  // No instruction, or its second page is missing: the stepping engine says so.
  piece = {};
  piece.kind = PieceKind::StepOut;
  piece.op.start = piece.op.end = offset;
  piece.reads = kAllFlags;
  pieces_.push_back(piece);
  return true;
}

std::optional<std::uint32_t> Translator::place_stored(std::byte const* host, std::size_t page) {
  auto const* const store = cpu_.machine->code_store;
  if (store == nullptr) return std::nullopt;
  std::span const bytes(reinterpret_cast<std::uint8_t const*>(host), left_in_page(host));
  auto const offset = static_cast<std::uint16_t>(kPageSize - bytes.size());
  TranslationCache::Source source{.host = host, .page = page};
  auto const image = store->find(bytes, offset, mode_.number(), [&](std::size_t size) {
    source.size = size;
    watched_bytes(cpu_, host, size);
  });
  if (!image) return std::nullopt;
  ++placed_;
  return cache_->place(*image, source, mode_);
}

std::uint32_t Translator::translate(std::byte const* host, std::size_t page) {
  bool const often = changes_often(page);
  if (!often) {
    if (auto const stored = place_stored(host, page)) return *stored;
  }
  pieces_.clear();
  TranslationCache::Source source{.host = host, .page = page, .changes_often = often};
  auto offset = static_cast<std::uint16_t>(reinterpret_cast<std::uint64_t>(host) & (kPageSize - 1));
  unsigned branches = 0;
  while (pieces_.size() < Block::kLongest && offset < kPageSize) {
    if (!decode_piece(offset, source)) break;
    offset = pieces_.back().end();
    if (ends_block(pieces_.back().kind)) break;
    if (pieces_.back().kind != PieceKind::Branch) continue;
    // Code behind a branch is often never run, or there already.
    auto const next = host + (offset - pieces_.front().start());
    if (++branches == kMostBranches || cache_->find(next, mode_)) break;
  }
  translated_ += pieces_.size();
  find_live_flags(pieces_, mode_);
  source.pieces = pieces_;
  // At least what was looked at to find no instruction.
  std::size_t const size = offset - pieces_.front().start();
  source.size = std::min<std::size_t>(left_in_page(host),
                                      std::max<std::size_t>(size, ZYDIS_MAX_INSTRUCTION_LENGTH));
  return cache_->add(source, mode_, often ? nullptr : cpu_.machine->code_store);
}

bool Translator::still_there(TranslatedBlock const& block) {
  if (block.second_page == nullptr) return true;
  Fetched second;
  return fetch(cpu_, (cpu_.rip | (kPageSize - 1)) + 1, second) == Flow::Next &&
         second.host == block.second_page;
}

}  // namespace bh::vmm::soft
