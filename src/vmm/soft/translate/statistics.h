#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "vmm/soft/translate/site.h"

namespace bh::vmm::soft {

/// Counts why translated code of a vCPU was left, and where. For people who make it faster.
class Statistics {
 public:
  void left(SiteKind kind, std::uint64_t rip) {
    ++by_kind_[static_cast<std::size_t>(kind)];
    ++by_place_[{rip, kind}];
  }

  /// Several lines: totals, then the busiest places.
  std::string report() const;

 private:
  static constexpr std::size_t kKinds = static_cast<std::size_t>(SiteKind::LookUp) + 1;

  std::array<std::uint64_t, kKinds> by_kind_{};
  std::map<std::pair<std::uint64_t, SiteKind>, std::uint64_t> by_place_;
};

}  // namespace bh::vmm::soft
