#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace bh::machine {

/// How long a machine that ended waits for its next start, so that one which fails at once is no
/// load: 100 ms, doubled up to a minute, and from the start again after a run of 10 s. Ten short
/// runs in a row are enough.
class BackOff {
 public:
  static constexpr std::uint64_t kMostShortRuns = 10;

  /// After a run of `lasted`; `random` is any number, for some jitter, so that machines which fell
  /// together do not rise together. Nothing if it should not be started again.
  std::optional<std::chrono::milliseconds> next(std::chrono::milliseconds lasted,
                                                std::uint32_t random);

 private:
  std::uint64_t short_runs_ = 0;
};

}  // namespace bh::machine
