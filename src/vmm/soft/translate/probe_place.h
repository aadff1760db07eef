#pragma once

#include <cstdint>

#include "vmm/soft/translate/assembler.h"

namespace bh::vmm::soft {

/// What the gate has to know of a place in translated code that touches memory: data behind the
/// place's jump to the gate. The code that goes on follows.
struct ProbePlace {
  static constexpr std::int32_t kSlot = 0;   // 16 bits: bytes from the first slot of its kind.
  static constexpr std::int32_t kLimit = 2;  // 16 bits: the operand's largest offset in a page.
  static constexpr std::int32_t kSite = 4;   // 32 bits
  static constexpr std::int32_t kSize = 8;

  std::uint16_t slot = 0;
  std::uint16_t limit = 0;
  std::uint32_t site = 0;

  void write(Assembler& out) const { out.word(slot), out.word(limit), out.number(site); }
};

}  // namespace bh::vmm::soft
