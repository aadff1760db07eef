#pragma once

#include <cstdint>
#include <vector>

#include "vmm/soft/translate/assembler.h"

namespace bh::vmm::soft {

/// An immediate of guest code that is in the host code as it is.
struct CodeNumber {
  std::uint16_t guest = 0;  // Offset in its page.
  std::uint8_t size = 0;    // Bytes
  CodeOffset host = 0;
};

/// What a guest that changes its code may change of a block without making it wrong.
struct BlockNumbers {
  std::uint16_t start = 0;  // All of the block's bytes, as offsets in its page.
  std::uint16_t end = 0;
  std::vector<CodeNumber> numbers;
};

}  // namespace bh::vmm::soft
