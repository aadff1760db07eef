#include <algorithm>
#include <array>

#include "vmm/soft/cache/fetch.h"
#include "vmm/soft/mmu/access.h"
#include "vmm/soft/mmu/walk.h"
#include "vmm/soft/translate/translator.h"

namespace bh::vmm::soft {

Translator::Filled Translator::fill(Site const& site) {
  std::uint64_t const linear = cpu_.crossing.miss_address;
  if ((linear & (kPageSize - 1)) + site.size > kPageSize || !is_canonical(linear))
    return Filled::No;
  auto const access = site.writes ? Access::Write : Access::Read;
  auto const privilege = current_privilege(cpu_);
  auto const& pages = cpu_.machine->code_pages;
  if (site.writes) {
    // Who writes code once does it again.
    auto const* const known = cpu_.mmu.tlb(privilege, access).find(linear, site.size);
    if (known != nullptr && pages.watches(pages.page_of(known))) return Filled::ToCode;
  }
  auto const translation = walk(cpu_, linear, access, privilege);
  if (!translation.ok) return Filled::No;
  std::byte* const host = cpu_.machine->memory.host_address({translation.physical}, 1);
  if (host == nullptr) return Filled::No;
  std::byte* const host_page = host - (linear & (kPageSize - 1));
  // Stores to code are stepped.
  if (site.writes && pages.watches(pages.page_of(host))) return Filled::ToCode;
  cpu_.mmu.note_page_size(linear, translation.page_size);
  cpu_.mmu.insert_inline(privilege, linear, host_page, access, translation.global);
  return Filled::Yes;
}

std::optional<std::uint32_t> Translator::store_op(std::uint32_t number) {
  Site const& site = cache_->site(number);
  if (!site.writes || site.patch == 0) return std::nullopt;
  if (site.op != Site::kNone) return site.op;
  Fetched fetched;
  if (fetch(cpu_, cpu_.crossing.rip_page + site.offset, fetched) != Flow::Next) {
    return std::nullopt;
  }
  Instruction instruction;
  auto const size = std::min<std::size_t>(left_in_page(fetched.host), ZYDIS_MAX_INSTRUCTION_LENGTH);
  std::array<std::uint8_t, ZYDIS_MAX_INSTRUCTION_LENGTH> copy{};
  auto const bytes = watched_bytes(cpu_, fetched.host, size);
  std::copy(bytes.begin(), bytes.end(), copy.begin());
  if (decode(std::span(copy).first(size), CodeSize::Bits64, instruction) != DecodeStatus::Ok) {
    return std::nullopt;
  }
  auto const piece = make_piece(instruction, site.offset, mode_);
  if (piece.kind != PieceKind::Memory || piece.op.handler == nullptr) return std::nullopt;
  return cache_->set_op(number, piece.op);
}

bool Translator::run_store(std::uint32_t number, Place& place, Stop& stop) {
  Op const& op = cache_->op(number);
  cpu_.gpr[kRipSlot] = cpu_.crossing.rip_page;
  auto const flow = change_number(op) ? Flow::Next : op.handler(cpu_, op);
  if (flow == Flow::Fault || flow == Flow::Exit) return stop_at(op, flow, stop);
  if (flow == Flow::Next) cpu_.rip = cpu_.next_rip(op);
  cpu_.code_changed = false;
  return go_on_at_rip(place, stop);
}

}  // namespace bh::vmm::soft
