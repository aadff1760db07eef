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

constexpr std::array kSources{
    integer_metrics,        sort_metrics,    pointer_metrics, coremark_like_metrics,
    floating_point_metrics, string_metrics,  jit_metrics,     atomic_metrics,
    call_metrics,           mapping_metrics, process_metrics, switch_metrics,
};

constexpr char const* kUsage =
    "usage: guest-bench [--list] [--only NAME]... [--seconds S]\n"
    "  --list       names, units and groups, measuring nothing\n"
    "  --only NAME  measure NAME alone, a group, or with _ at the end all that starts so (sse_)\n"
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

bool matches(std::string_view wanted, Metric const& metric) {
  return wanted == metric.name || wanted == metric.group ||
         (wanted.ends_with('_') && metric.name.starts_with(wanted));
}

bool is_wanted(Options const& options, Metric const& metric) {
  for (std::size_t i = 0; i < options.only_count; ++i) {
    if (matches(options.only[i], metric)) return true;
  }
  return options.only_count == 0;
}

int width(std::string_view text) {
  return static_cast<int>(text.size());
}

void show(Options const& options, Metric const& metric) {
  if (options.list) {
    std::printf("metric %.*s %.*s %.*s\n", width(metric.name), metric.name.data(),
                width(metric.unit), metric.unit.data(), width(metric.group), metric.group.data());
  } else {
    double const value = metric.measure(options.seconds);
    std::printf("metric %.*s %.4g %.*s\n", width(metric.name), metric.name.data(), value,
                width(metric.unit), metric.unit.data());
  }
  // On a console that shows progress, and before a guest that may not live to the end.
  static_cast<void>(std::fflush(stdout));
}

int run(Options const& options) {
  std::size_t shown = 0;
  for (auto const source : kSources) {
    for (auto const& metric : source()) {
      if (!is_wanted(options, metric)) continue;
      show(options, metric);
      ++shown;
    }
  }
  if (shown != 0) return 0;
  static_cast<void>(
      std::fprintf(stderr, "guest-bench: no metric or group has such a name; see --list\n"));
  return 2;
}

}  // namespace

void give_up(std::string_view call) {
  static_cast<void>(std::fflush(stdout));
  static_cast<void>(
      std::fprintf(stderr, "guest-bench: %.*s: %m\n", static_cast<int>(call.size()), call.data()));
  std::exit(1);
}

void check(std::string_view metric, std::uint64_t found, std::uint64_t expected) {
  if (found == expected) return;
  static_cast<void>(std::fflush(stdout));
  static_cast<void>(std::fprintf(
      stderr, "guest-bench: %.*s: wrong result %#llx, not %#llx\n", width(metric), metric.data(),
      static_cast<unsigned long long>(found), static_cast<unsigned long long>(expected)));
  std::exit(1);
}

}  // namespace bh::bench

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], bh::bench::kDoNothing) == 0) return 0;
  return bh::bench::run(bh::bench::parse(argc, argv));
}
