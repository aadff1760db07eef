#pragma once

#include <cstdint>

#include "vmm/engine/registers.h"
#include "vmm/soft/mmu/access_kind.h"
#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// Displacements of a vCPU's state from the GS base of translated code, which is Cpu::mmu: so the
/// inline TLB, used most, has the shortest.
class StateLayout {
 public:
  explicit StateLayout(Cpu& cpu) : cpu_(cpu) {}

  std::uint64_t gs_base() const { return address(cpu_.mmu); }

  std::int32_t gpr(unsigned reg) const { return of(cpu_.gpr[reg]); }
  std::int32_t flags() const { return of(cpu_.arithmetic); }
  std::int32_t mxcsr() const { return of(cpu_.mxcsr); }
  std::int32_t host_mxcsr() const { return of(cpu_.host_mxcsr); }
  std::int32_t vector(unsigned index) const { return of(cpu_.ymm[index]); }
  std::int32_t segment_base(unsigned segment) const { return of(cpu_.segment_base[segment]); }
  std::int32_t segment_register_base(unsigned segment) const {
    return of(cpu_.segments[segment].base);
  }
  std::int32_t segment_selector(unsigned segment) const {
    return of(cpu_.segments[segment].selector);
  }
  std::int32_t cr4() const { return of(cpu_.cr4); }
  std::int32_t kernel_gs_base() const { return of(cpu_.kernel_gs_base); }
  std::int32_t system_flags() const { return of(cpu_.system_flags); }
  std::int32_t interrupt_deferred() const { return of(cpu_.interrupt_deferred); }
  std::int32_t attention() const { return of(cpu_.attention); }
  std::int32_t rip_page() const { return of(cpu_.crossing.rip_page); }
  std::int32_t host_stack() const { return of(cpu_.crossing.host_stack); }
  std::int32_t enter_at() const { return of(cpu_.crossing.enter_at); }
  std::int32_t target() const { return of(cpu_.crossing.target); }
  std::int32_t miss_address() const { return of(cpu_.crossing.miss_address); }
  std::int32_t impatient() const { return of(cpu_.crossing.impatient); }
  std::int32_t spare(unsigned number) const { return of(cpu_.crossing.spare[number]); }
  std::int32_t site() const { return of(cpu_.crossing.site); }
  std::int32_t vectors_loaded() const { return of(cpu_.crossing.vectors_loaded); }

  std::int32_t x87_loaded() const { return of(cpu_.crossing.x87_loaded); }
  std::int32_t x87_stored() const { return of(cpu_.crossing.x87_stored); }
  std::int32_t upper_half(unsigned index) const { return of(cpu_.ymm[index][16]); }
  std::int32_t uppers() const { return of(cpu_.crossing.uppers); }
  std::int32_t uppers_stored() const { return of(cpu_.crossing.uppers_stored); }
  std::int32_t fxsave() const { return of(cpu_.fxsave); }

  /// In an entry of the inline TLB.
  std::int32_t tlb_tag(Privilege privilege, Access access) const {
    auto const& entry = cpu_.mmu.inline_tlb(privilege).first();
    return of(access == Access::Write ? entry.write : entry.read);
  }
  std::int32_t tlb_noted(Privilege privilege) const {
    return of(cpu_.mmu.inline_tlb(privilege).first().noted);
  }
  std::int32_t tlb_host(Privilege privilege) const {
    return of(cpu_.mmu.inline_tlb(privilege).first().host);
  }
  /// Of a slot by its number.
  std::int32_t slot_page(Privilege privilege, Access access, std::size_t number = 0) const {
    return of(cpu_.mmu.slots(privilege).of(access).page[number]);
  }
  std::int32_t slot_host(Privilege privilege, Access access, std::size_t number = 0) const {
    return of(cpu_.mmu.slots(privilege).of(access).host[number]);
  }
  std::int32_t slot_patience(Privilege privilege, Access access) const {
    return of(cpu_.mmu.slots(privilege).of(access).patience.front());
  }
  /// Of RecentJumps by number.
  std::int32_t recent_rip(Privilege privilege, std::size_t number = 0) const {
    return of(cpu_.mmu.jumps(privilege).recent().first_rip()) +
           static_cast<std::int32_t>(8 * number);
  }
  std::int32_t recent_code(Privilege privilege, std::size_t number = 0) const {
    return of(cpu_.mmu.jumps(privilege).recent().first_code()) +
           static_cast<std::int32_t>(8 * number);
  }
  /// In an entry of the jump table.
  std::int32_t jump_rip(Privilege privilege) const {
    return of(cpu_.mmu.jumps(privilege).first().rip);
  }
  std::int32_t jump_code(Privilege privilege) const {
    return of(cpu_.mmu.jumps(privilege).first().code);
  }

 private:
  template <typename T>
  static std::uint64_t address(T const& object) {
    return reinterpret_cast<std::uint64_t>(&object);
  }
  template <typename T>
  std::int32_t of(T const& object) const {
    return static_cast<std::int32_t>(address(object) - gs_base());
  }

  Cpu& cpu_;
};

}  // namespace bh::vmm::soft
