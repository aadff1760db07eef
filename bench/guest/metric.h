#pragma once

#include <span>
#include <string_view>

namespace bh::bench {

/// One thing measured: higher is better.
struct Metric {
  std::string_view name;
  std::string_view unit;
  /// Works for about `seconds` and returns the value in `unit`.
  double (*measure)(double seconds);
};

/// The metrics of a group, in the order they are shown. They live as long as the program.
std::span<Metric const> integer_metrics();
std::span<Metric const> memory_metrics();
std::span<Metric const> atomic_metrics();
std::span<Metric const> floating_point_metrics();
std::span<Metric const> kernel_metrics();

/// Ends the program: the kernel refused what a metric needs.
[[noreturn]] void give_up(std::string_view call);

/// What fork_exec executes this program with: it then returns at once.
constexpr char const* kDoNothing = "--do-nothing";

constexpr double kThousand = 1e3;
constexpr double kMillion = 1e6;

}  // namespace bh::bench
