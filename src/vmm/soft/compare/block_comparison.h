#pragma once

#include <cstddef>
#include <string>

#include "vmm/soft/cache/block_cache.h"
#include "vmm/soft/compare/program_state.h"
#include "vmm/soft/compare/straight_code.h"
#include "vmm/soft/compare/written_memory.h"
#include "vmm/soft/translate/translator.h"

namespace bh::vmm::soft {

/// Runs each block twice from the same state: stepped, which is taken back, and translated. A block
/// counts up to its first instruction that translated code has stepped anyway. The vCPU's thread
/// only, which is the machine's one vCPU.
class BlockComparison {
 public:
  /// All outlive it. `blocks` decodes single instructions.
  BlockComparison(Cpu& cpu, BlockCache& blocks, Translator& translator)
      : cpu_(cpu), blocks_(blocks), translator_(translator) {
    translator.stop_after_each_block();
  }

  /// The block at cpu.rip, as Translator::run(). Exit with InternalError: the two differ.
  Translator::Stop run();

  /// Of how many blocks were compared, and of the difference if there was one; lines for people.
  std::string report() const;

 private:
  /// Up to `limit` instructions of the block. How many were done.
  std::size_t step(StraightCode const& code, std::size_t limit);
  /// Whether all of the instruction's operands are RAM that can be put back; they are noted.
  bool note_operands(Piece const& piece);
  bool note_string(Piece const& piece);
  bool note_operand(std::uint64_t linear, std::size_t size, bool writes);
  Translator::Stop stop(StraightCode const& code, ProgramState const& before,
                        std::string const& differences);

  Cpu& cpu_;
  BlockCache& blocks_;
  Translator& translator_;
  StraightCodeCache straight_;
  WrittenMemory memory_;
  std::uint64_t compared_ = 0;
  std::string found_;
};

}  // namespace bh::vmm::soft
