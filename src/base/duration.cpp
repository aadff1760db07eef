#include "base/duration.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>

namespace bh {

namespace {

using std::chrono::milliseconds;

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
constexpr std::array kUnits{Unit{"ms", 1}, Unit{"h", 3'600'000}, Unit{"m", 60'000},
                            Unit{"s", 1000}};

}  // namespace

Result<milliseconds> parse_duration(std::string_view text) {
  milliseconds total{0};
  bool good = !text.empty();
  for (auto rest = text; good && !rest.empty();) {
    std::int64_t count = 0;
    auto const [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    auto const* const unit = std::ranges::find_if(
        kUnits, [rest](Unit const& one) { return rest.starts_with(one.name); });
    good = error == std::errc() && unit != kUnits.end() && count >= 0 &&
           count <= kLongestDuration.count() / unit->milliseconds;
    if (!good) break;
    total += milliseconds(count * unit->milliseconds);
    rest.remove_prefix(unit->name.size());
    good = total <= kLongestDuration;
  }
  if (good && total.count() > 0) return total;
  return fail(Errc::Invalid, "duration \"" + std::string(text) +
                                 "\": must be as 500ms, 30s or 1m30s, at most a day");
}

}  // namespace bh
