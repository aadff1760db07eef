#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "vmm/soft/cache/block.h"
#include "vmm/soft/translate/piece_cache.h"
#include "vmm/soft/translate/statistics.h"
#include "vmm/soft/translate/translation_cache.h"

namespace bh::vmm::soft {

/// Runs a vCPU's 64-bit code as host code (docs/design/soft-cpu.md). The vCPU's thread only.
class Translator {
 public:
  static Result<std::unique_ptr<Translator>> create(Cpu& cpu);
  ~Translator();
  Translator(Translator const&) = delete;
  Translator& operator=(Translator const&) = delete;

  /// Why translated code was left. Cpu is whole, rip is where it goes on.
  enum class Stop {
    Look,   // Something may want attention, or the code is of another kind now.
    Step,   // The instruction at rip has to be stepped.
    Fault,  // Cpu::exception is pending; fault_op() says of which instruction.
    Exit,   // Cpu::exit is set, by the instruction at rip or its fetching.
  };
  /// From cpu.rip in 64-bit code, with nothing that needs single steps.
  Stop run();
  TranslationMode current_mode() const;

  /// Which instruction raised the pending exception; nullptr if it could not be fetched.
  Op const* fault_op() const { return fault_op_; }

  /// All flags right at every fault: slower.
  void keep_every_flag() { every_flag_ = true; }

  /// From now on run() runs one block, and nothing by its handler.
  void stop_after_each_block() { one_block_ = true; }

  /// Counts from now on.
  void keep_statistics() { statistics_ = std::make_unique<Statistics>(); }
  /// What was counted and how large the cache is; for people.
  std::string report() const;

  TranslationCache const& cache() const { return *cache_; }
  std::uint64_t translated() const { return translated_; }

 private:
  explicit Translator(Cpu& cpu) : cpu_(cpu) {}

  /// Where to enter translated code.
  struct Place {
    std::uint64_t code = 0;
    FpuLoad fpu;  // What it expects to be loaded.
  };
  /// Where to go on after a step, if all is as expected.
  struct Resume {
    std::uint64_t rip = 0;
    std::uint64_t epoch = 0;
    std::uint64_t generation = 0;  // 0: nothing to resume.
    std::uint32_t block = 0;
    TranslationMode mode;
    Place place;
  };

  void take_up_gs_base();
  /// Throws away what others' stores, or a change of mode, made wrong.
  void catch_up();
  bool resume(Place& place);
  /// The block at cpu.rip, translated now if need be; in `place` how to enter it. Not Next: `stop`.
  bool find(Place& place, Stop& stop, std::uint32_t& block);
  /// Likewise, for whatever is known of cpu.rip.
  bool look_up(Place& place, Stop& stop);
  /// Whether the vCPU's loop has to look before anything runs.
  bool wants_look() const;
  /// Runs the instruction of a step's site by its handler.
  bool run_op(Site const& site, Place& place, Stop& stop);
  /// The block as an earlier run left it.
  std::optional<std::uint32_t> place_stored(std::byte const* host, std::size_t page);
  std::uint32_t translate(std::byte const* host, std::size_t page);
  /// Decodes the next instruction of `source`, which may lie in two pages if it is the first.
  /// False: the block ends in front of it.
  bool decode_piece(std::uint16_t offset, TranslationCache::Source& source);
  /// Whether what a block that lies in two pages was made of is still where cpu.rip is.
  bool still_there(TranslatedBlock const& block);
  void enter(Place const& place);
  void hide_host_pointers();
  /// What to do about the site translated code left at. True: go on at `place`.
  bool after(Place& place, Stop& stop);
  /// Enters what a probe missed in the TLB, if it can be.
  enum class Filled : std::uint8_t { Yes, No, ToCode };
  Filled fill(Site const& site);
  /// The instruction of a miss, if it is a store that can be run by its handler. Its number in the
  /// cache.
  std::optional<std::uint32_t> store_op(std::uint32_t site);
  /// Does a store that changes no more of translated code than numbers. False: it is another one.
  bool change_number(Op const& op);
  /// Whether it has been worth while to translate the page so that its numbers can be changed.
  bool changes_often(std::size_t page) const;
  /// Runs a store to a page with code.
  bool run_store(std::uint32_t op, Place& place, Stop& stop);
  /// What follows when a handler said so at `op`. Next and Leave only: goes on at cpu.rip.
  bool go_on_at_rip(Place& place, Stop& stop);
  bool stop_at(Op const& op, Flow flow, Stop& stop);
  bool after_trap(Stop& stop);

  Cpu& cpu_;
  std::unique_ptr<TranslationCache> cache_;
  PieceCache piece_cache_;
  std::vector<Piece> pieces_;
  std::vector<CodePages::Change> changed_;
  TranslationMode mode_;
  std::uint64_t seen_changes_ = 0;
  Resume resume_;
  std::unique_ptr<Statistics> statistics_;  // Or nullptr.
  Op const* fault_op_ = nullptr;
  std::uint64_t translated_ = 0;  // Instructions
  std::uint64_t placed_ = 0;      // Blocks
  unsigned runs_ = 0;
  bool every_flag_ = false;
  bool one_block_ = false;
};

}  // namespace bh::vmm::soft
