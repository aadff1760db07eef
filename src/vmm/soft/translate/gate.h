#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "vmm/soft/translate/assembler.h"
#include "vmm/soft/translate/state_layout.h"

namespace bh::vmm::soft {

/// Which registers beyond the general ones a block uses.
struct FpuLoad {
  bool vectors = false;
  bool x87 = false;

  std::size_t number() const { return (vectors ? 1u : 0u) | (x87 ? 2u : 0u); }
};

/// The pieces of code that all translated code of a vCPU shares: the way in, the ways out, and the
/// look-up of RIPs. Host addresses.
///
/// Translated code comes to `leave` with crossing.site set and flags saved or dead.
struct Gate {
  using Enter = void (*)(std::uint64_t code);

  /// Run code that expects saved flags, with crossing.target in R11, until it leaves. By FpuLoad:
  /// what has to be loaded for the middle of a block.
  std::array<Enter, 4> enter{};
  std::uint64_t leave = 0;
  std::uint64_t leave_with_flags = 0;   // Saves the host's flags first.
  std::uint64_t leave_miss[2][2] = {};  // By privilege and Access::Write, straight after the XOR.
  /// Finish a probe, by the same: R15 names the ProbePlace, and code goes on behind it with R15 the
  /// host page and R11 the offset; or leaves with a miss.
  std::uint64_t refill[2][2] = {};  // R11 is straight after the XOR with the slot's page.
  std::uint64_t search[2][2] = {};  // R11 is the linear address; no slot.
  std::uint64_t load_vectors = 0;   // Goes on at R11; flags are lost.
  std::uint64_t load_x87 = 0;       // Likewise.
  std::uint64_t look_up[2] = {};    // By privilege: polls, then goes to the RIP in R11.
  /// By privilege: what RecentJumps did not have. R11: RIP, R15: number of the entry to fill.
  /// Leaves for that RIP if it is not known at all; crossing.site is set.
  std::uint64_t look_further[2] = {};
  std::uint64_t unknown = 0;  // Leaves for the RIP in R11, with no site.
};

/// Writes the shared code.
Gate write_gate(Assembler& out, StateLayout const& state);

/// R11, a linear address, becomes the offset in its page, if the inline TLB has it, or more than a
/// page; R15 the displacement of the TLB's entry.
void write_tlb_look(Assembler& out, StateLayout const& state, Privilege privilege, Access access);

/// Goes to the RIP in R11 if RecentJumps has it, in its own slot or by hash, and nothing wants
/// attention. Flags are saved. What it returns is for Assembler::land(); `unknown` goes on at
/// look_further.
struct LookUpMisses {
  std::size_t attention;
  std::size_t unknown;  // By hash: R15 is the entry.
};
LookUpMisses write_look_up(Assembler& out, StateLayout const& state, Privilege privilege);
LookUpMisses write_look_up(Assembler& out, StateLayout const& state, Privilege privilege,
                           std::size_t slot);

}  // namespace bh::vmm::soft
