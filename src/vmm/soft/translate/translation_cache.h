#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "vmm/soft/cache/code_pages.h"
#include "vmm/soft/native/code_pool.h"
#include "vmm/soft/state/cpu.h"
#include "vmm/soft/store/code_store.h"
#include "vmm/soft/translate/code_number.h"
#include "vmm/soft/translate/translated_block.h"
#include "vmm/soft/translate/translation_history.h"

namespace bh::vmm::soft {

/// The translated code of one vCPU. Its thread only; no locking.
class TranslationCache {
 public:
  static Result<std::unique_ptr<TranslationCache>> create(Cpu& cpu);

  Gate const& gate() const { return gate_; }

  /// The block for the code at a host address in one mode, if there is one.
  std::optional<std::uint32_t> find(std::byte const* host, TranslationMode mode) const;

  /// What a block is made of.
  struct Source {
    std::byte const* host = nullptr;         // Its first byte.
    std::size_t size = 0;                    // Bytes in that page.
    std::size_t page = 0;                    // CodePages' number of it.
    std::byte const* second_page = nullptr;  // See TranslatedBlock.
    std::size_t second_page_number = 0;
    bool changes_often = false;     // Numbers in its code may be changed from now on.
    bool next_straddles = false;    // Behind it comes an instruction that lies in two pages.
    std::span<Piece const> pieces;  // Not empty; live flags known.
  };
  /// Writes a block and takes it up. May empty the cache
  /// before: block and site numbers from earlier then mean nothing. `store` (or nullptr) keeps it.
  std::uint32_t add(Source const& source, TranslationMode mode, CodeStore* store);
  /// The same with a block that is written already. Of `source` pieces are of no matter.
  std::uint32_t place(CodeImage const& image, Source const& source, TranslationMode mode);

  TranslatedBlock const& block(std::uint32_t number) const { return blocks_[number]; }
  Site const& site(std::uint32_t number) const { return sites_[number]; }
  Op const& op(std::uint32_t number) const { return ops_[number]; }
  /// Gives a site the op to run. Returns its number.
  std::uint32_t set_op(std::uint32_t site, Op const& op) {
    ops_.push_back(op);
    return sites_[site].op = static_cast<std::uint32_t>(ops_.size() - 1);
  }
  /// Grows when the cache is emptied.
  std::uint64_t generation() const { return generation_; }

  /// Makes the link's jump go to the block.
  void link(std::uint32_t site, std::uint32_t block);

  /// The place of a miss shall probe the TLB itself, without a slot.
  void give_up_slot(std::uint32_t site);

  /// Enters the block in the jump table.
  void enter_jump(std::uint64_t rip, std::uint32_t block, bool global);

  /// Throws away the blocks that were made of these bytes: nothing jumps into them any more.
  void forget_changed(std::span<CodePages::Change const> changes);
  void forget_all();

  /// The guest stores `bytes` where `old` was, at `offset` of a page: changes the numbers in the
  /// blocks' host code, if nothing else of any block changes. False: it does, and nothing was done.
  bool change_numbers(std::size_t page, std::uint16_t offset, std::span<std::uint8_t const> old,
                      std::span<std::uint8_t const> bytes);

  /// The guest instruction of a host instruction that may trap; nullptr if there is none.
  TrapPoint const* trap_point(std::uint64_t host_address) const;
  /// Where it runs.
  std::uint64_t address(CodeOffset offset) const {
    return reinterpret_cast<std::uint64_t>(pool_.code().data()) + offset;
  }
  std::span<std::byte const> code() const { return pool_.code(); }

  std::size_t code_bytes() const { return pool_.used(); }

 private:
  TranslationCache(Cpu& cpu, CodePool pool) : cpu_(cpu), state_(cpu), pool_(std::move(pool)) {}

  static std::uint64_t key_of(std::byte const* host, TranslationMode mode) {
    return reinterpret_cast<std::uint64_t>(host) << 5 | mode.number();
  }
  /// Takes up a block whose code is in the pool, and all else of it in the vectors.
  std::uint32_t take_up(Source const& source, TranslationMode mode, Entries const& entries,
                        CodeOffset code_end, std::size_t first_trap);
  void forget_block(std::uint32_t number);
  static Privilege privilege_of(TranslatedBlock const& block) {
    return (block.key & TranslationMode::kUser) != 0 ? Privilege::User : Privilege::Supervisor;
  }
  /// A stub that polls before it goes on to the block.
  CodeOffset write_poll(Site const& from, Entries const& to);
  /// A stub that looks the target up.
  CodeOffset write_look_up(Site const& from);
  /// The cache is full.
  void start_anew();
  void patch(CodeOffset distance_at, CodeOffset target);
  Assembler assembler() { return {pool_.room(), pool_.next_address(), address(0)}; }

  Cpu& cpu_;
  StateLayout state_;
  CodePool pool_;
  Gate gate_;
  std::size_t gate_size_ = 0;
  std::vector<TranslatedBlock> blocks_;  // By host address of their code.
  std::vector<Site> sites_;
  std::vector<TrapPoint> traps_;
  std::vector<Op> ops_;
  boost::unordered_flat_map<std::uint32_t, BlockNumbers> numbers_;  // Of blocks that have some.
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> by_key_;
  boost::unordered_flat_map<std::size_t, std::vector<std::uint32_t>> by_page_;
  std::uint64_t generation_ = 1;
  std::size_t bound_ = 0;  // Bytes of code, now.
  TranslationHistory history_;
};

}  // namespace bh::vmm::soft
