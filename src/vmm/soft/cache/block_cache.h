#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "vmm/soft/cache/block.h"
#include "vmm/soft/native/stub_cache.h"
#include "vmm/soft/state/machine.h"

namespace bh::vmm::soft {

/// Decoded code of one vCPU, found by RIP quickly and by physical address surely. No locking: other
/// vCPUs speak to it through CodePages' versions only.
class BlockCache {
 public:
  static Result<std::unique_ptr<BlockCache>> create();

  /// From now on blocks of 64-bit code are single instructions: the rest is translated.
  void decode_single_instructions() { longest_in_64_bit_ = 1; }

  /// The block at cpu.rip, decoded now if need be. nullptr: fetching failed, and `flow` says
  /// whether an exception (Fault) or an answerless fetch from a device (Exit, cpu.exit has the
  /// words) is pending.
  Block const* find(Cpu& cpu, Flow& flow) {
    std::uint64_t const context = context_of(cpu);
    Jump const& jump = jumps_[jump_index(cpu.rip)];
    if (jump.rip == cpu.rip && jump.context == context && up_to_date(cpu, *jump.block)) [[likely]] {
      return jump.block;
    }
    return find_slowly(cpu, context, flow);
  }

  /// Instructions decoded so far.
  std::uint64_t decoded() const { return decoded_; }

 private:
  struct Jump {
    std::uint64_t rip = 0;
    std::uint64_t context = 0;  // 0 matches nothing.
    Block const* block = nullptr;
  };
  static constexpr std::size_t kJumps = 2048;
  static constexpr std::size_t kHints = 4096;

  explicit BlockCache(StubCache stubs) : stubs_(std::move(stubs)) {}

  static std::size_t jump_index(std::uint64_t rip) { return (rip ^ rip >> 12) % kJumps; }
  static std::size_t hint_index(std::uint64_t key) { return (key >> 2 ^ key >> 14) % kHints; }

  /// Translations, privilege and code size: all that a RIP's meaning depends on.
  static std::uint64_t context_of(Cpu const& cpu) {
    return cpu.mmu.epoch() << 3 | static_cast<std::uint64_t>(cpu.code_size) << 1 |
           (cpu.user_mode() ? 1 : 0);
  }
  static bool up_to_date(Cpu const& cpu, Block const& block) {
    auto const& pages = cpu.machine->code_pages;
    return block.version == pages.version(block.page) &&
           (block.second_page == Block::kNoPage ||
            block.second_version == pages.version(block.second_page));
  }

  Block const* find_slowly(Cpu& cpu, std::uint64_t context, Flow& flow);
  Block* find_by_key(std::uint64_t key);
  std::unique_ptr<Block> decode_block(Cpu& cpu, std::uint64_t linear, std::byte const* host,
                                      Flow& flow);
  Op decode_op(Instruction const& instruction, std::uint16_t start, bool& ends_block);
  void forget_all();

  StubCache stubs_;
  std::array<Jump, kJumps> jumps_{};
  /// In front of blocks_, for what every change of address space sends past jumps_.
  std::array<Block*, kHints> hints_{};
  std::unordered_map<std::uint64_t, std::unique_ptr<Block>> blocks_;
  std::vector<std::unique_ptr<Op[]>> chunks_;
  std::size_t chunk_used_ = 0;
  std::uint64_t decoded_ = 0;
  std::size_t longest_in_64_bit_ = Block::kLongest;
};

}  // namespace bh::vmm::soft
