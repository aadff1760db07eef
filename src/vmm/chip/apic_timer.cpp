#include "vmm/chip/apic_timer.h"

#include <algorithm>

#include "vmm/chip/clock.h"

namespace bh::vmm::chip {

namespace {

constexpr std::uint32_t kDivideBits = 0b1011;
// A saved timer older than 36 years is no timer of ours; keeps sums far from wrapping.
constexpr std::uint64_t kOldestAge = 1ULL << 60;

}  // namespace

// SDM vol. 3, figure 11-10: bits 3, 1, 0 are 0 for 2, 1 for 4, ... 6 for 128, 7 for 1.
std::uint64_t ApicTimer::divider() const {
  unsigned const code = (divide_ & 3) | ((divide_ >> 1) & 4);
  return 1ULL << ((code + 1) & 7);
}

void ApicTimer::start(std::uint64_t now, std::uint32_t count) {
  start_ = now;
  count_ = count;
}

void ApicTimer::set_mode(Mode mode) {
  if (mode == mode_) return;
  if (mode == Mode::TscDeadline || mode_ == Mode::TscDeadline || mode == Mode::Reserved) {
    initial_count_ = 0;
    count_ = 0;
    tsc_deadline_ = 0;
  }
  mode_ = mode;
}

void ApicTimer::set_initial_count(std::uint32_t count, Moment const& moment) {
  if (mode_ == Mode::TscDeadline || mode_ == Mode::Reserved) return;
  initial_count_ = count;
  has_expired_ = false;
  start(moment.now, count);
}

void ApicTimer::set_divide(std::uint32_t value, Moment const& moment) {
  // The count so far was counted at the old speed.
  start(moment.now, current_count(moment));
  divide_ = value & kDivideBits;
}

void ApicTimer::set_tsc_deadline(std::uint64_t deadline) {
  if (mode_ == Mode::TscDeadline) tsc_deadline_ = deadline;
}

std::uint32_t ApicTimer::current_count(Moment const& moment) const {
  if (count_ == 0) return 0;
  std::uint64_t const ticks = (moment.now - start_) / divider();
  if (ticks < count_) return static_cast<std::uint32_t>(count_ - ticks);
  if (mode_ != Mode::Periodic || initial_count_ == 0) return 0;
  return static_cast<std::uint32_t>(initial_count_ - (ticks - count_) % initial_count_);
}

bool ApicTimer::expire(Moment const& moment) {
  if (mode_ == Mode::TscDeadline) {
    if (tsc_deadline_ == 0 || moment.guest_tsc < tsc_deadline_) return false;
    tsc_deadline_ = 0;
    return true;
  }
  if (count_ == 0 || moment.now - start_ < span()) return false;
  if (mode_ == Mode::Periodic && initial_count_ != 0) {
    // The next period starts where this one ended, not now: no drift, however late we are.
    std::uint64_t const late = moment.now - start_ - span();
    std::uint64_t const period = initial_count_ * divider();
    start(moment.now - late % period, initial_count_);
  } else {
    count_ = 0;
  }
  last_expiry_ = moment.now;
  has_expired_ = true;
  return true;
}

std::optional<std::uint64_t> ApicTimer::next(Moment const& moment) const {
  if (mode_ == Mode::TscDeadline) {
    if (tsc_deadline_ == 0) return std::nullopt;
    if (tsc_deadline_ <= moment.guest_tsc) return moment.now;
    __extension__ using Wide = unsigned __int128;
    Wide const ticks = tsc_deadline_ - moment.guest_tsc;
    Wide const wait = (ticks * 1'000'000 + moment.tsc_khz - 1) / moment.tsc_khz;
    // Deadlines beyond the end of time never come.
    if (wait > kOldestAge) return std::nullopt;
    return moment.now + static_cast<std::uint64_t>(wait);
  }
  if (count_ == 0) return std::nullopt;
  std::uint64_t const elapsed = moment.now - start_;
  std::uint64_t const due = elapsed >= span() ? moment.now : moment.now + (span() - elapsed);
  if (mode_ != Mode::Periodic || !has_expired_) return due;
  return std::max(due, last_expiry_ + kShortestPeriod);
}

ApicTimerState ApicTimer::save(Moment const& moment) const {
  return {
      .initial_count = initial_count_,
      .divide = divide_,
      .count = count_,
      .age = count_ == 0 ? 0 : std::min(moment.now - start_, kOldestAge),
      .tsc_deadline = tsc_deadline_,
  };
}

Result<> ApicTimer::check(ApicTimerState const& state) {
  if ((state.divide & ~kDivideBits) != 0 || state.age > kOldestAge) {
    return fail(Errc::Corrupt, "saved state of a local APIC timer is out of range");
  }
  return {};
}

Result<> ApicTimer::restore(ApicTimerState const& state, Mode mode, Moment const& moment) {
  BH_TRY(check(state));
  *this = ApicTimer();
  mode_ = mode;
  divide_ = state.divide;
  if (mode == Mode::TscDeadline) {
    tsc_deadline_ = state.tsc_deadline;
  } else if (mode != Mode::Reserved) {
    initial_count_ = state.initial_count;
    start(moment.now - state.age, state.count);
  }
  return {};
}

}  // namespace bh::vmm::chip
