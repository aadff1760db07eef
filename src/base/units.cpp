#include "base/units.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>

namespace bh {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t bytes;
};

constexpr std::array kUnits{Unit{"", 1},       Unit{"k", kKiB},   Unit{"m", kMiB},  Unit{"g", kGiB},
                            Unit{"kib", kKiB}, Unit{"mib", kMiB}, Unit{"gib", kGiB}};

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

}  // namespace

std::string size_text(std::uint64_t bytes) {
  auto const in = [bytes](std::uint64_t unit) {
    return std::to_string(bytes / unit + (bytes % unit != 0 ? 1 : 0));
  };
  if (bytes >= kMiB) return in(kMiB) + " MiB";
  if (bytes >= kKiB) return in(kKiB) + " KiB";
  return bytes == 1 ? "1 byte" : in(1) + " bytes";
}

Result<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t number = 0;
  auto const [rest, error] = std::from_chars(text.begin(), text.end(), number);
  auto const unit = std::ranges::find(
      kUnits, lower_case({rest, static_cast<std::size_t>(text.end() - rest)}), &Unit::name);
  if (error != std::errc{} || unit == kUnits.end() ||
      number > std::numeric_limits<std::uint64_t>::max() / unit->bytes) {
    return fail(Errc::Invalid,
                "\"" + std::string(text) + "\" is not a size; write for example 512M or 2G");
  }
  return number * unit->bytes;
}

}  // namespace bh
