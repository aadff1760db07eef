#include <algorithm>
#include <array>
#include <cstring>

#include "vmm/soft/mmu/access.h"
#include "vmm/soft/native/serialize.h"
#include "vmm/soft/step/handlers.h"
#include "vmm/soft/step/registers.h"
#include "vmm/soft/translate/translator.h"

namespace bh::vmm::soft {

bool TranslationCache::change_numbers(std::size_t page, std::uint16_t offset,
                                      std::span<std::uint8_t const> old,
                                      std::span<std::uint8_t const> bytes) {
  struct Patch {
    CodeOffset host;
    std::uint8_t value;
  };
  constexpr std::size_t kMostPatches = 32;
  std::array<Patch, kMostPatches> patches;
  std::size_t count = 0;
  // Compilers write the same instructions again, with other numbers.
  if (std::ranges::equal(old, bytes)) return true;
  auto const found = by_page_.find(page);
  if (found == by_page_.end()) return false;
  auto const touched = CodePages::granules_of(offset, bytes.size());
  for (auto const number : found->second) {
    TranslatedBlock const& block = blocks_[number];
    std::uint64_t const granules = block.page == page ? block.granules : 1;
    if (block.dead || (granules & touched) == 0) continue;
    auto const known = numbers_.find(number);
    if (known == numbers_.end()) return false;
    BlockNumbers const& code = known->second;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      auto const at = static_cast<unsigned>(offset + i);
      if (bytes[i] == old[i] || at < code.start || at >= code.end) continue;
      auto const in = std::ranges::find_if(code.numbers, [&](CodeNumber const& candidate) {
        return at - candidate.guest < candidate.size;
      });
      if (in == code.numbers.end() || count == patches.size()) return false;
      patches[count++] = {in->host + (at - in->guest), bytes[i]};
    }
  }
  for (auto const& patch : std::span(patches).first(count)) {
    *pool_.writable(address(patch.host)) = patch.value;
  }
  if (count != 0) serialize_execution();
  return true;
}

bool Translator::changes_often(std::size_t page) const {
  constexpr std::uint32_t kOften = 4;
  return cpu_.machine->code_pages.version(page) >= kOften;
}

bool Translator::change_number(Op const& op) {
  std::uint64_t value = 0;
  if (op.handler == move_store) {
    value = read_gpr(cpu_, op.reg[1], op.operand_size);
  } else if (op.handler == move_store_immediate) {
    value = static_cast<std::uint64_t>(op.immediate);
  } else {
    return false;
  }
  // Others have translations of their own.
  if (cpu_.machine->vcpu_count != 1) return false;
  auto const linear = effective_address(cpu_, op);
  std::byte* const host =
      cpu_.mmu.tlb(current_privilege(cpu_), Access::Write).find(linear, op.operand_size);
  if (host == nullptr) return false;
  auto& pages = cpu_.machine->code_pages;
  auto const page = pages.page_of(host);
  if (!changes_often(page)) return false;
  std::array<std::uint8_t, sizeof value> old{};
  std::array<std::uint8_t, sizeof value> bytes{};
  std::memcpy(old.data(), host, op.operand_size);
  std::memcpy(bytes.data(), &value, sizeof value);
  if (!cache_->change_numbers(page, static_cast<std::uint16_t>(linear & (kPageSize - 1)),
                              std::span(old).first(op.operand_size),
                              std::span(bytes).first(op.operand_size))) {
    return false;
  }
  std::memcpy(host, bytes.data(), op.operand_size);
  pages.note_translated_change(page);
  return true;
}

}  // namespace bh::vmm::soft
