#include "vmm/soft/cache/block_cache.h"

#include <algorithm>
#include <cstring>

#include "vmm/soft/cache/fetch.h"
#include "vmm/soft/decode/op_builder.h"
#include "vmm/soft/decode/treatment.h"
#include "vmm/soft/mmu/access.h"
#include "vmm/soft/step/handlers.h"

namespace bh::vmm::soft {

namespace {

constexpr std::size_t kOpsPerChunk = 4096;
// Bounds the memory that decoded code takes, to some 1.8 MiB: enough for what a guest runs again
// and again. A boot runs most of its code once and makes the cache start anew a few times, which
// costs it some 10 ms each.
constexpr std::size_t kMaxChunks = 7;

}  // namespace

Result<std::unique_ptr<BlockCache>> BlockCache::create() {
  auto stubs = BH_TRY(StubCache::create());
  return std::unique_ptr<BlockCache>(new BlockCache(std::move(stubs)));
}

void BlockCache::forget_all() {
  jumps_.fill({});
  hints_.fill(nullptr);
  blocks_.clear();
  chunks_.clear();
  chunk_used_ = 0;
}

Block* BlockCache::find_by_key(std::uint64_t key) {
  Block* const hint = hints_[hint_index(key)];
  if (hint != nullptr && hint->key == key) return hint;
  auto const found = blocks_.find(key);
  if (found == blocks_.end()) return nullptr;
  return hints_[hint_index(key)] = found->second.get();
}

Block const* BlockCache::find_slowly(Cpu& cpu, std::uint64_t context, Flow& flow) {
  if (chunks_.size() >= kMaxChunks) forget_all();
  std::uint64_t linear = cpu.rip;
  if (cpu.code_size != CodeSize::Bits64) {
    linear = static_cast<std::uint32_t>(cpu.rip + cpu.segment_base[Cs]);
  }
  Fetched fetched;
  flow = fetch(cpu, linear, fetched);
  if (flow != Flow::Next) return nullptr;

  // Where the instruction may reach into a second page, the mapping of that page matters too:
  // such blocks are decoded for each context and found through the jump cache only.
  std::uint64_t const key = reinterpret_cast<std::uint64_t>(fetched.host) << 2 |
                            static_cast<std::uint64_t>(cpu.code_size);
  Block* block = find_by_key(key);
  if (block == nullptr || block->second_page != Block::kNoPage || !up_to_date(cpu, *block)) {
    auto decoded = decode_block(cpu, linear, fetched.host, flow);
    if (decoded != nullptr && stubs_.full()) {
      forget_all();
      stubs_.clear();
      decoded = decode_block(cpu, linear, fetched.host, flow);
    }
    if (decoded == nullptr) return nullptr;
    auto& slot = blocks_[key];
    for (auto& jump : jumps_) {
      if (slot != nullptr && jump.block == slot.get()) jump.context = 0;
    }
    slot = std::move(decoded);
    block = slot.get();
    block->key = key;
    hints_[hint_index(key)] = block;
  }
  // Decoding may have walked page tables, but never withdraws a translation: the context holds.
  jumps_[jump_index(cpu.rip)] = {cpu.rip, context, block};
  return block;
}

std::unique_ptr<Block> BlockCache::decode_block(Cpu& cpu, std::uint64_t linear,
                                                std::byte const* host, Flow& flow) {
  auto const& pages = cpu.machine->code_pages;
  auto block = std::make_unique<Block>();
  block->page = pages.page_of(host);
  block->version = pages.version(block->page);

  std::size_t const longest =
      cpu.code_size == CodeSize::Bits64 ? longest_in_64_bit_ : Block::kLongest;
  std::array<Op, Block::kLongest> ops;
  std::size_t const page_left = left_in_page(host);
  std::size_t offset = 0;
  bool ends_block = false;
  while (!ends_block && block->count < longest && offset < page_left) {
    std::size_t const size =
        std::min<std::size_t>(page_left - offset, ZYDIS_MAX_INSTRUCTION_LENGTH);
    std::array<std::uint8_t, ZYDIS_MAX_INSTRUCTION_LENGTH> copy{};
    auto const bytes = watched_bytes(cpu, host + offset, size);
    std::copy(bytes.begin(), bytes.end(), copy.begin());
    Instruction instruction;
    auto status = decode(std::span(copy).first(size), cpu.code_size, instruction);
    if (status == DecodeStatus::NeedsMoreBytes && size < ZYDIS_MAX_INSTRUCTION_LENGTH) {
      if (block->count > 0) break;  // The next block starts with it.
      Fetched second;
      flow = fetch(cpu, linear + page_left, second);
      if (flow != Flow::Next) return nullptr;
      block->second_page = second.page;
      block->second_version = second.version;
      auto const more = watched_bytes(cpu, second.host, copy.size() - size);
      std::copy(more.begin(), more.end(), copy.begin() + static_cast<std::ptrdiff_t>(size));
      status = decode(copy, cpu.code_size, instruction);
      ends_block = true;
    }
    Op op;
    if (status == DecodeStatus::Ok) {
      bool leaves = false;
      op = decode_op(instruction, static_cast<std::uint16_t>(offset), leaves);
      ends_block = ends_block || leaves;
      offset += instruction.decoded.length;
    } else {
      // Fifteen bytes of prefixes ask for a sixteenth byte.
      bool const too_long =
          status == DecodeStatus::TooLong || status == DecodeStatus::NeedsMoreBytes;
      op.handler = too_long ? instruction_too_long : invalid_opcode;
      op.start = op.end = static_cast<std::uint16_t>(offset);
      ends_block = true;
    }
    ops[block->count++] = op;
    ++decoded_;
  }

  if (chunks_.empty() || chunk_used_ + block->count > kOpsPerChunk) {
    chunks_.push_back(std::make_unique<Op[]>(kOpsPerChunk));
    chunk_used_ = 0;
  }
  Op* const stored = chunks_.back().get() + chunk_used_;
  std::copy_n(ops.begin(), block->count, stored);
  chunk_used_ += block->count;
  block->first = stored;
  return block;
}

Op BlockCache::decode_op(Instruction const& instruction, std::uint16_t start, bool& ends_block) {
  Op op = build_op(instruction, start);
  Treatment const treatment = treatment_of(instruction);
  op.handler = treatment.handler;
  ends_block = treatment.ends_block;
  if (!treatment.native) return op;
  op.stub = stubs_.find_or_build(instruction);
  if (op.stub == nullptr) {
    // No room: the whole block is decoded again with an empty pool. Or no host encoding: #UD.
    op.handler = invalid_opcode;
    ends_block = true;
  }
  return op;
}

}  // namespace bh::vmm::soft
