#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "vmm/engine/registers.h"
#include "vmm/soft/decode/instruction.h"

namespace bh::vmm::soft {

/// Set of host general registers, one bit each.
class GprSet {
 public:
  constexpr GprSet() = default;
  constexpr void add(Gpr reg) { bits_ |= 1u << reg; }
  constexpr bool has(Gpr reg) const { return (bits_ >> reg & 1) != 0; }

 private:
  unsigned bits_ = 0;
};

/// A guest instruction turned into bytes that mean the same on the host in 64-bit mode, but for:
/// its memory operand is at [memory], and where it names RSP it names `rsp_stand_in`, so that the
/// host's stack stays whole.
struct Rewritten {
  std::array<std::uint8_t, 18> bytes{};
  std::uint8_t size = 0;
  GprSet used;  // General registers the instruction reads or writes, under host names.
  GprSet written;
  Gpr state = Rdi;         // Free register for the pointer to Cpu.
  Gpr memory = Rsi;        // Free register for the pointer to the memory operand.
  Gpr rsp_stand_in = Rsp;  // Rsp if the instruction does not name RSP.

  std::span<std::uint8_t const> code() const { return {bytes.data(), size}; }
};

/// For instructions the treatment table calls native. nullopt: no encoding is possible, which only
/// happens to instructions with an implicit memory operand.
std::optional<Rewritten> rewrite(Instruction const& instruction);

/// Number of the general register that `reg` is or is part of; nullopt for other registers.
std::optional<Gpr> general_register(ZydisRegister reg);

}  // namespace bh::vmm::soft
