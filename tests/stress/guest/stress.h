#pragma once

#include <time.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace bh::stress {

/// Numbers that are the same again from the same seed (SplitMix64, public domain, S. Vigna).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }

  /// 0 to `bound` - 1.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

/// One kind of load. A round ends by itself, takes milliseconds on an ordinary CPU, and calls
/// `check` for whatever it found out.
struct Kind {
  std::string_view name;
  void (*round)(Random& random);
};

Kind fork_storm();
Kind signal_storm();
Kind mapping_churn();
Kind lock_free();
Kind written_code();

/// Ends the program with the seed and the round at hand, unless `found` is `expected`.
void check(std::string_view what, std::uint64_t found, std::uint64_t expected);

/// Ends the program: the kernel refused `call`.
[[noreturn]] void give_up(std::string_view call);

/// What this program is executed with to print `work_of(SEED)` in 16 digits and end.
constexpr char const* kWork = "--work";

/// A number that takes some integer, vector and x87 instructions to compute from `seed`.
std::uint64_t work_of(std::uint64_t seed);
}  // namespace bh::stress
