#include "vmm/soft/translate/translation_cache.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "vmm/soft/store/block_image.h"

namespace bh::vmm::soft {

namespace {

// The most there can be, and what a cache starts with.
constexpr std::size_t kPoolSize = 96u << 20;
constexpr std::size_t kFirstBound = 4u << 20;
// No block and no stub needs more: 64 instructions of some 150 bytes and their ways out.
constexpr std::size_t kLargestBlock = 48u << 10;

// What BlockWriter::probe() makes of a probe.
constexpr CodeOffset kSlotProbe = 9 + 7 + 6 + 9;

std::vector<std::uint8_t> bytes_of(std::span<Piece const> pieces) {
  std::vector<std::uint8_t> bytes;
  for (auto const& piece : pieces) {
    auto const code = piece.encoding.all();
    bytes.insert(bytes.end(), code.begin(), code.end());
  }
  return bytes;
}

/// To the 32-bit number at `at`.
void add_to(std::uint8_t* at, std::uint32_t value) {
  std::uint32_t number = 0;
  std::memcpy(&number, at, sizeof number);
  number += value;
  std::memcpy(at, &number, sizeof number);
}

}  // namespace

Result<std::unique_ptr<TranslationCache>> TranslationCache::create(Cpu& cpu) {
  auto pool = BH_TRY(CodePool::create(kPoolSize));
  std::unique_ptr<TranslationCache> cache(new TranslationCache(cpu, std::move(pool)));
  Assembler out = cache->assembler();
  cache->gate_ = write_gate(out, cache->state_);
  cache->pool_.take(out.size());
  cache->gate_size_ = cache->pool_.used();
  cache->bound_ = kFirstBound;
  for (auto const privilege : {Privilege::Supervisor, Privilege::User}) {
    cpu.mmu.jumps(privilege).set_miss(cache->gate_.unknown);
  }
  return cache;
}

std::optional<std::uint32_t> TranslationCache::find(std::byte const* host,
                                                    TranslationMode mode) const {
  auto const found = by_key_.find(key_of(host, mode));
  if (found == by_key_.end()) return std::nullopt;
  return found->second;
}

std::uint32_t TranslationCache::add(Source const& source, TranslationMode mode, CodeStore* store) {
  if (pool_.used() + kLargestBlock > bound_) start_anew();
  auto const number = static_cast<std::uint32_t>(blocks_.size());
  auto const first_site = sites_.size();
  auto const first_trap = traps_.size();
  auto const first_op = ops_.size();
  Assembler out = assembler();
  auto const start = out.offset();
  Fixups fixups;
  if (source.second_page != nullptr || source.pieces.back().encoding.length == 0) store = nullptr;
  if (store != nullptr) out.keep_fixups(&fixups);
  BlockWriter writer(out, gate_, state_, mode, number, sites_, traps_, ops_);
  BlockNumbers numbers{.start = source.pieces.front().start(), .end = source.pieces.back().end()};
  if (source.changes_often) writer.note_numbers(&numbers.numbers);
  Entries const entries = writer.write(source.pieces, source.next_straddles);
  if (source.changes_often && source.second_page == nullptr) {
    numbers_.emplace(number, std::move(numbers));
  }
  if (store != nullptr) {
    // Not what guest memory has: others may have changed it meanwhile.
    std::vector<std::uint8_t> const bytes = bytes_of(source.pieces);
    store->add(BlockImage({.source = bytes,
                           .page_offset = source.pieces.front().start(),
                           .mode = mode.number(),
                           .start = start,
                           .first_site = static_cast<std::uint32_t>(first_site),
                           .first_op = static_cast<std::uint32_t>(first_op)},
                          {pool_.room().data(), out.size()}, std::move(fixups),
                          std::span(sites_).subspan(first_site),
                          std::span(traps_).subspan(first_trap), std::span(ops_).subspan(first_op),
                          entries)
                   .image());
  }
  pool_.take(out.size());
  return take_up(source, mode, entries, out.offset(), first_trap);
}

std::uint32_t TranslationCache::place(CodeImage const& image, Source const& source,
                                      TranslationMode mode) {
  if (pool_.used() + kLargestBlock > bound_) start_anew();
  auto const number = static_cast<std::uint32_t>(blocks_.size());
  auto const first_site = static_cast<std::uint32_t>(sites_.size());
  auto const first_trap = traps_.size();
  auto const first_op = static_cast<std::uint32_t>(ops_.size());
  Assembler out = assembler();
  auto const start = out.offset();
  auto* const code = pool_.room().data();
  out.bytes(image.code);
  for (auto const at : image.gate_jumps) add_to(code + at, ~start + 1);
  for (auto const at : image.numbers) add_to(code + at, first_site);
  for (auto site : image.sites) {
    site.block = number;
    for (auto* const offset : {&site.go_on, &site.patch, &site.unlinked}) {
      if (*offset != 0) *offset += start;
    }
    if (site.op != Site::kNone) site.op += first_op;
    sites_.push_back(site);
  }
  for (auto trap : image.traps) {
    trap.host += start;
    traps_.push_back(trap);
  }
  ops_.insert(ops_.end(), image.ops.begin(), image.ops.end());
  pool_.take(image.code.size());
  Entries entries = image.entries;
  for (auto* const offset : {&entries.external, &entries.saved, &entries.host}) *offset += start;
  return take_up(source, mode, entries, out.offset(), first_trap);
}

std::uint32_t TranslationCache::take_up(Source const& source, TranslationMode mode,
                                        Entries const& entries, CodeOffset code_end,
                                        std::size_t first_trap) {
  auto const number = static_cast<std::uint32_t>(blocks_.size());
  history_.made(key_of(source.host, mode));
  blocks_.push_back({.key = key_of(source.host, mode),
                     .page = source.page,
                     .granules = CodePages::granules_of(source.host, source.size),
                     .second_page = source.second_page,
                     .entries = entries,
                     .code_end = code_end,
                     .first_trap = static_cast<std::uint32_t>(first_trap),
                     .trap_count = static_cast<std::uint32_t>(traps_.size() - first_trap)});
  by_key_[blocks_.back().key] = number;
  by_page_[source.page].push_back(number);
  if (source.second_page != nullptr) by_page_[source.second_page_number].push_back(number);
  return number;
}

void TranslationCache::patch(CodeOffset distance_at, CodeOffset target) {
  auto const distance = target - (distance_at + 4);
  std::memcpy(pool_.writable(address(distance_at)), &distance, sizeof distance);
}

void TranslationCache::link(std::uint32_t site, std::uint32_t block) {
  if (pool_.used() + kLargestBlock > bound_) return;  // The next block empties it.
  Site const from = sites_[site];
  if (blocks_[block].second_page != nullptr) {
    patch(from.patch, write_look_up(from));
    return;
  }
  Entries const& to = blocks_[block].entries;
  CodeOffset target = from.flags == FlagsAt::Host ? to.host : to.saved;
  if (from.flags == FlagsAt::Both && to.wants_host_flags) target = to.host;
  bool const backward = from.target <= from.offset;
  patch(from.patch, backward ? write_poll(from, to) : target);
  sites_[site].next_incoming = std::exchange(blocks_[block].first_incoming, site);
}

void TranslationCache::give_up_slot(std::uint32_t number) {
  Site& site = sites_[number];
  if (site.patch == 0 || pool_.used() + kLargestBlock > bound_) return;
  auto const privilege = site.user ? Privilege::User : Privilege::Supervisor;
  auto const access = site.writes ? Access::Write : Access::Read;
  Assembler out = assembler();
  auto const stub = out.offset();
  write_tlb_look(out, state_, privilege, access);
  out.compare(R11, static_cast<std::uint32_t>(kPageSize) - site.size);
  out.jump_if(Condition::Above, out.here());
  auto const miss = out.size();
  out.load_state_at(R15, R15, state_.tlb_host(privilege));
  out.jump(address(site.patch + kSlotProbe));
  out.land(miss);
  out.store_state32(state_.site(), number);
  out.jump(gate_.leave_miss[site.user ? 1 : 0][site.writes ? 1 : 0]);
  pool_.take(out.size());

  *pool_.writable(address(site.patch)) = 0xe9;
  patch(site.patch + 1, stub);
  site.patch = 0;
}

CodeOffset TranslationCache::write_poll(Site const& from, Entries const& to) {
  auto const poll = static_cast<std::uint32_t>(sites_.size());
  sites_.push_back(
      {.kind = SiteKind::Poll, .offset = from.offset, .target = from.target, .block = from.block});
  Assembler out = assembler();
  auto const start = out.offset();
  bool const save = from.flags == FlagsAt::Host && !to.flags_dead;
  if (save) out.save_flags(state_.flags(), R11);
  out.compare_state32(state_.attention(), 0);
  out.jump_if(Condition::Equal, address(to.saved));
  out.store_state32(state_.site(), poll);
  out.jump(gate_.leave);
  pool_.take(out.size());
  return start;
}

CodeOffset TranslationCache::write_look_up(Site const& from) {
  Assembler out = assembler();
  auto const start = out.offset();
  if (from.flags == FlagsAt::Host) out.save_flags(state_.flags(), R11);
  out.load_state(R11, state_.rip_page());
  out.load_address(R11, R11, from.target);
  out.jump(gate_.look_up[from.user ? 1 : 0]);
  pool_.take(out.size());
  return start;
}

void TranslationCache::enter_jump(std::uint64_t rip, std::uint32_t number, bool global) {
  TranslatedBlock& block = blocks_[number];
  cpu_.mmu.jumps(privilege_of(block)).insert(rip, address(block.entries.external), global);
  for (unsigned i = 0; i < block.known_count; ++i) {
    if (block.known_at[i] == rip) return;
  }
  if (block.known_count == block.known_at.size()) {
    block.known_widely = true;
  } else {
    block.known_at[block.known_count++] = rip;
  }
}

void TranslationCache::forget_block(std::uint32_t number) {
  TranslatedBlock& block = blocks_[number];
  block.dead = true;
  numbers_.erase(number);
  if (auto const known = by_key_.find(block.key);
      known != by_key_.end() && known->second == number) {
    by_key_.erase(known);
  }
  auto& jumps = cpu_.mmu.jumps(privilege_of(block));
  if (block.known_widely) {
    jumps.forget_code(address(block.entries.external));
  } else {
    for (unsigned i = 0; i < block.known_count; ++i) jumps.forget(block.known_at[i]);
  }
  for (auto number_in = std::exchange(block.first_incoming, Site::kNone);
       number_in != Site::kNone;) {
    Site& site = sites_[number_in];
    patch(site.patch, site.unlinked);
    number_in = std::exchange(site.next_incoming, Site::kNone);
  }
}

void TranslationCache::forget_changed(std::span<CodePages::Change const> changes) {
  for (auto const& change : changes) {
    auto const found = by_page_.find(change.page);
    if (found == by_page_.end()) continue;
    std::erase_if(found->second, [&](std::uint32_t number) {
      TranslatedBlock const& block = blocks_[number];
      if (block.dead) return true;  // It lay in two pages.
      // The second page has its first granule only.
      std::uint64_t const granules = block.page == change.page ? block.granules : 1;
      if ((granules & change.granules) == 0) return false;
      forget_block(number);
      return true;
    });
    if (found->second.empty()) by_page_.erase(found);
  }
}

void TranslationCache::start_anew() {
  // Much of what was thrown away last time was needed again, and this is no longer a boot.
  constexpr std::uint64_t kPatience = 6;
  if (generation_ > kPatience && history_.mostly_again()) bound_ = std::min(2 * bound_, kPoolSize);
  history_.turn();
  forget_all();
}

void TranslationCache::forget_all() {
  blocks_.clear();
  sites_.clear();
  traps_.clear();
  ops_.clear();
  numbers_.clear();
  by_key_.clear();
  by_page_.clear();
  pool_.clear(gate_size_);
  for (auto const privilege : {Privilege::Supervisor, Privilege::User}) {
    cpu_.mmu.jumps(privilege).forget_all();
  }
  ++generation_;
}

TrapPoint const* TranslationCache::trap_point(std::uint64_t host_address) const {
  auto const host = static_cast<CodeOffset>(host_address - address(0));
  auto const block =
      std::upper_bound(blocks_.begin(), blocks_.end(), host,
                       [](CodeOffset offset, auto const& b) { return offset < b.code_end; });
  if (block == blocks_.end()) return nullptr;
  for (auto const& trap : std::span(traps_).subspan(block->first_trap, block->trap_count)) {
    if (trap.host == host) return &trap;
  }
  return nullptr;
}

}  // namespace bh::vmm::soft
