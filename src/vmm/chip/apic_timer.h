#pragma once

#include <cstdint>
#include <optional>

#include "base/error.h"

namespace bh::vmm::chip {

/// One instant, as a vCPU's timer sees it.
struct Moment {
  std::uint64_t now = 0;        // ns
  std::uint64_t guest_tsc = 0;  // With the vCPU's offset.
  std::uint64_t tsc_khz = 1;
};

struct ApicTimerState {
  std::uint32_t initial_count = 0;
  std::uint32_t divide = 0;        // The register: bits 0, 1 and 3.
  std::uint32_t count = 0;         // What the counter held `age` ago; 0 when stopped.
  std::uint64_t age = 0;           // ns
  std::uint64_t tsc_deadline = 0;  // A guest TSC value; 0 when disarmed.

  friend bool operator==(ApicTimerState const&, ApicTimerState const&) = default;
};

/// The timer of a local APIC (SDM vol. 3, 11.5.4), counting at 1 GHz over the divider. It knows
/// nothing of the LVT's mask. Nothing runs by itself: expire() brings it up to date.
class ApicTimer {
 public:
  /// Values of LVT bits 17-18.
  enum class Mode : std::uint8_t { OneShot, Periodic, TscDeadline, Reserved };

  Mode mode() const { return mode_; }
  /// Entering or leaving TscDeadline disarms.
  void set_mode(Mode mode);

  std::uint32_t initial_count() const { return initial_count_; }
  /// Starts the counter; 0 stops it. Ignored in TscDeadline mode.
  void set_initial_count(std::uint32_t count, Moment const& moment);
  std::uint32_t current_count(Moment const& moment) const;

  std::uint32_t divide() const { return divide_; }
  void set_divide(std::uint32_t value, Moment const& moment);

  std::uint64_t tsc_deadline() const { return tsc_deadline_; }
  /// Ignored outside TscDeadline mode.
  void set_tsc_deadline(std::uint64_t deadline);

  /// Whether it expired since it was last asked. Several periods count once.
  bool expire(Moment const& moment);
  /// The time in ns at which expire() will be true, at the earliest `moment.now`. Periodic
  /// expiries are at least kShortestPeriod apart.
  std::optional<std::uint64_t> next(Moment const& moment) const;

  ApicTimerState save(Moment const& moment) const;
  static Result<> check(ApicTimerState const& state);
  Result<> restore(ApicTimerState const& state, Mode mode, Moment const& moment);

 private:
  std::uint64_t divider() const;
  std::uint64_t span() const { return count_ * divider(); }
  void start(std::uint64_t now, std::uint32_t count);

  Mode mode_ = Mode::OneShot;
  std::uint32_t initial_count_ = 0;
  std::uint32_t divide_ = 0;
  std::uint32_t count_ = 0;        // At start_; 0 when stopped.
  std::uint64_t start_ = 0;        // ns; differences to it wrap correctly.
  std::uint64_t last_expiry_ = 0;  // ns
  bool has_expired_ = false;
  std::uint64_t tsc_deadline_ = 0;
};

}  // namespace bh::vmm::chip
