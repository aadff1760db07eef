#include "cli/log_options.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

namespace bh::cli {

namespace {

// A file that ends with each line is no log.
constexpr std::uint64_t kFewestBytes = 4096;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 40;
constexpr std::uint64_t kMostFiles = 1000;

/// "10m": N with k, m or g for powers of 1024; 0 of what is no size.
std::uint64_t size_of(std::string_view text) {
  constexpr std::string_view kUnits = "kmg";
  std::uint64_t number = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (error != std::errc() || number > kMostBytes || text.size() > 1) return 0;
  if (text.empty()) return number;
  auto const unit = kUnits.find(text[0]);
  if (unit == kUnits.npos) return 0;
  constexpr unsigned kUnitBits = 10;
  auto const bits = kUnitBits * (static_cast<unsigned>(unit) + 1);
  if (number > kMostBytes >> bits) return 0;
  return number << bits;
}

}  // namespace

Result<> read_log(Options const& options, machine::Definition& definition) {
  for (auto const& text : options.values("--log-opt")) {
    auto const equals = text.find('=');
    auto const key = text.substr(0, equals);
    auto const size = equals == text.npos ? 0 : size_of(std::string_view(text).substr(equals + 1));
    if (key == "max-size" && size >= kFewestBytes && size <= kMostBytes) {
      definition.log_bytes = size;
    } else if (key == "max-file" && size > 0 && size <= kMostFiles) {
      definition.log_files = size;
    } else {
      return fail(
          Errc::Invalid,
          fmt::format("--log-opt \"{}\": must be max-size=N (4k to 1024g) or max-file=N (1 to "
                      "{})",
                      text, kMostFiles));
    }
  }
  return {};
}

}  // namespace bh::cli
