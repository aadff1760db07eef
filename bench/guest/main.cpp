// guest-bench: how fast a CPU, or what stands in for one, runs ordinary programs. The same static
// program runs on the host, under QEMU and in a Bulkhead guest.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "guest/metric.h"

namespace bh::bench {

namespace {

constexpr std::array kGroups{integer_metrics, memory_metrics, atomic_metrics,
                             floating_point_metrics, kernel_metrics};

constexpr char const* kUsage =
    "usage: guest-bench [--list] [--only NAME]... [--seconds S]\n"
    "  --list       names and units, measuring nothing\n"
    "  --only NAME  measure NAME alone; a group's first word and _ take all of it (sse_)\n"
    "  --seconds S  how long each is measured, 0.001 to 60 (0.2)\n";

constexpr double kLeastSeconds = 0.001;
constexpr double kMostSeconds = 60;
constexpr std::size_t kMostNames = 32;

struct Options {
  bool list = false;
  double seconds = 0.2;
  std::array<std::string_view, kMostNames> only{};
  std::size_t only_count = 0;
};

[[noreturn]] void refuse(char const* what, char const* word) {
  static_cast<void>(std::fprintf(stderr, "guest-bench: %s %s\n%s", what, word, kUsage));
  std::exit(2);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    std::string_view const word = argv[i];
    if (word == "--list") {
      options.list = true;
      continue;
    }
    if (word != "--only" && word != "--seconds") refuse("no option", argv[i]);
    if (i + 1 == argc) refuse("no value after", argv[i]);
    char const* const value = argv[++i];
    if (word == "--only") {
      if (options.only_count == kMostNames) refuse("more than 32 names at", value);
      options.only[options.only_count++] = value;
      continue;
    }
    char* end = nullptr;
    options.seconds = std::strtod(value, &end);
    if (end == value || *end != '\0' || !(options.seconds >= kLeastSeconds) ||
        options.seconds > kMostSeconds) {
      refuse("--seconds takes 0.001 to 60, not", value);
    }
  }
  return options;
}

bool matches(std::string_view wanted, std::string_view name) {
  return wanted == name || (wanted.ends_with('_') && name.starts_with(wanted));
}

bool is_wanted(Options const& options, std::string_view name) {
  for (std::size_t i = 0; i < options.only_count; ++i) {
    if (matches(options.only[i], name)) return true;
  }
  return options.only_count == 0;
}

void show(Options const& options, Metric const& metric) {
  std::array<char, 32> value{};
  if (!options.list) {
    static_cast<void>(
        std::snprintf(value.data(), value.size(), "%.4g ", metric.measure(options.seconds)));
  }
  std::printf("metric %.*s %s%.*s\n", static_cast<int>(metric.name.size()), metric.name.data(),
              value.data(), static_cast<int>(metric.unit.size()), metric.unit.data());
  // On a console that shows progress, and before a guest that may not live to the end.
  static_cast<void>(std::fflush(stdout));
}

int run(Options const& options) {
  std::size_t shown = 0;
  for (auto const& group : kGroups) {
    for (auto const& metric : group()) {
      if (!is_wanted(options, metric.name)) continue;
      show(options, metric);
      ++shown;
    }
  }
  if (shown != 0) return 0;
  static_cast<void>(std::fprintf(stderr, "guest-bench: no metric has such a name; see --list\n"));
  return 2;
}

}  // namespace

void give_up(std::string_view call) {
  static_cast<void>(std::fflush(stdout));
  static_cast<void>(
      std::fprintf(stderr, "guest-bench: %.*s: %m\n", static_cast<int>(call.size()), call.data()));
  std::exit(1);
}

}  // namespace bh::bench

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], bh::bench::kDoNothing) == 0) return 0;
  return bh::bench::run(bh::bench::parse(argc, argv));
}
