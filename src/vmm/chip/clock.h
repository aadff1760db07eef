#pragma once

#include <cstdint>

namespace bh::vmm::chip {

/// The door to time for everything that counts by itself. All methods may be called by any thread.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Nanoseconds since some moment in the past; never goes back.
  virtual std::uint64_t now() const = 0;
  /// The host's time stamp counter, to which a vCPU's offset is added.
  virtual std::uint64_t tsc() const = 0;
  /// How fast tsc() counts; never 0.
  virtual std::uint64_t tsc_khz() const = 0;
};

/// Shorter periods than this are coalesced: a guest that asks for an interrupt every nanosecond
/// must not keep a host thread busy (5000 wake-ups a second are the most a timer can ask for).
inline constexpr std::uint64_t kShortestPeriod = 200'000;  // ns

}  // namespace bh::vmm::chip
