#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace bh::bench {

/// What a mean is taken over. The words are part of the names that scripts look for.
namespace group {
constexpr std::string_view kInteger = "integer";
constexpr std::string_view kCoremarkLike = "coremark_like";
constexpr std::string_view kFloatingPoint = "floating_point";
constexpr std::string_view kString = "string";
constexpr std::string_view kJit = "jit";
constexpr std::string_view kAtomic = "atomic";
constexpr std::string_view kKernel = "kernel";
}  // namespace group

/// One thing measured: higher is better.
struct Metric {
  std::string_view name;
  std::string_view group;
  std::string_view unit;
  /// Works for about `seconds` and returns the value in `unit`.
  double (*measure)(double seconds);
};

/// The metrics of a source, in the order they are shown. They live as long as the program.
std::span<Metric const> integer_metrics();
std::span<Metric const> sort_metrics();
std::span<Metric const> pointer_metrics();
std::span<Metric const> coremark_like_metrics();
std::span<Metric const> floating_point_metrics();
std::span<Metric const> string_metrics();
std::span<Metric const> jit_metrics();
std::span<Metric const> atomic_metrics();
std::span<Metric const> call_metrics();
std::span<Metric const> mapping_metrics();
std::span<Metric const> process_metrics();
std::span<Metric const> switch_metrics();

/// Ends the program: the kernel refused what a metric needs.
[[noreturn]] void give_up(std::string_view call);

/// Ends the program unless `found` is `expected`: what ran here computes wrongly, and its speed is
/// worth nothing.
void check(std::string_view metric, std::uint64_t found, std::uint64_t expected);

/// What fork_exec executes this program with: it then returns at once.
constexpr char const* kDoNothing = "--do-nothing";

constexpr double kThousand = 1e3;
constexpr double kMillion = 1e6;

}  // namespace bh::bench
