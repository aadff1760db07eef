#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "vmm/soft/translate/block_writer.h"

namespace bh::vmm::soft {

/// A piece of guest code as host code.
struct TranslatedBlock {
  std::uint64_t key = 0;       // TranslationCache's.
  std::size_t page = 0;        // CodePages' number of the page it lies in,
  std::uint64_t granules = 0;  // and which pieces of it.
  /// RIPs for which the jump table may have it; if there were more, `known_widely`.
  std::array<std::uint64_t, 2> known_at{};
  std::uint8_t known_count = 0;
  bool known_widely = false;
  /// Its only instruction ends in another page, which was here in host memory; else nullptr.
  /// Whether the pages are still mapped side by side only a look-up by RIP can tell.
  std::byte const* second_page = nullptr;
  Entries entries;
  CodeOffset code_end = 0;
  std::uint32_t first_trap = 0;
  std::uint32_t trap_count = 0;
  bool dead = false;                           // Its code changed.
  std::uint32_t first_incoming = Site::kNone;  // Link sites that jump here.
};

}  // namespace bh::vmm::soft
