#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace bh::vmm::mmds {

/// Session tokens of version 2: random, known to nobody but who asked, and good for a while.
/// One thread.
class Tokens {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::uint64_t kLongestSeconds = 21600;
  /// The oldest is forgotten beyond that: a guest must not make us hold more.
  static constexpr std::size_t kMost = 1024;

  /// `seconds` is 1 to kLongestSeconds.
  std::string create(std::uint64_t seconds, Time now);
  bool valid(std::string_view token, Time now) const;

 private:
  struct Token {
    std::string text;
    Time end;
  };

  std::deque<Token> tokens_;
};

}  // namespace bh::vmm::mmds
