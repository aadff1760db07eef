#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "vmm/soft/cache/fetch.h"
#include "vmm/soft/translate/piece.h"

namespace bh::vmm::soft {

/// Instructions one behind the other, at least those of the block that the translator makes of
/// them.
struct StraightCode {
  std::uint32_t version = 0;  // Of the page.
  std::vector<Piece> pieces;  // Empty: the first lies in two pages.
  bool repeatable = true;     // Does the same when it runs again from the same state.
};

/// Decodes code once for as long as it stays the same. One vCPU's.
class StraightCodeCache {
 public:
  /// What begins at the place. Valid until the next call.
  StraightCode const& at(Cpu& cpu, Fetched const& place, TranslationMode mode);

 private:
  struct Key {
    std::byte const* host;
    unsigned mode;
    friend bool operator==(Key const&, Key const&) = default;
  };
  struct Hash {
    std::size_t operator()(Key const& key) const {
      return std::hash<std::byte const*>{}(key.host) ^ (std::size_t{key.mode} << 48);
    }
  };
  static constexpr std::size_t kMost = 200'000;

  std::unordered_map<Key, StraightCode, Hash> known_;
};

}  // namespace bh::vmm::soft
