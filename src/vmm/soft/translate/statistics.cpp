#include "vmm/soft/translate/statistics.h"

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <vector>

namespace bh::vmm::soft {

namespace {

constexpr std::array<std::string_view, 6> kNames{"miss", "step", "step-out",
                                                 "link", "poll", "look-up"};
constexpr std::size_t kPlaces = 40;

}  // namespace

std::string Statistics::report() const {
  static_assert(kNames.size() == kKinds);
  std::string text;
  char line[96];
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    std::snprintf(line, sizeof line, "left for %-8s %12llu\n", kNames[kind].data(),
                  static_cast<unsigned long long>(by_kind_[kind]));
    text += line;
  }
  using Place = std::pair<std::pair<std::uint64_t, SiteKind>, std::uint64_t>;
  std::vector<Place> places(by_place_.begin(), by_place_.end());
  std::sort(places.begin(), places.end(),
            [](auto const& left, auto const& right) { return left.second > right.second; });
  places.resize(std::min(kPlaces, places.size()));
  for (auto const& [place, count] : places) {
    std::snprintf(line, sizeof line, "%12llu times at %016llx for %s\n",
                  static_cast<unsigned long long>(count),
                  static_cast<unsigned long long>(place.first),
                  kNames[static_cast<std::size_t>(place.second)].data());
    text += line;
  }
  return text;
}

}  // namespace bh::vmm::soft
