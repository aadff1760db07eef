#include "vmm/chip/pit_channel.h"

#include <algorithm>
#include <array>
#include <utility>

#include "vmm/chip/clock.h"

namespace bh::vmm::chip {

namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
// A counter older than 9 years is no counter of ours; keeps sums far from wrapping.
constexpr std::uint64_t kOldestAge = 1ULL << 58;

std::uint64_t ticks_of(std::uint64_t nanoseconds) {
  return static_cast<std::uint64_t>(Wide{nanoseconds} * kPitHertz / kNanosecondsPerSecond);
}

// Rounded up: at that age the tick has happened.
std::uint64_t age_of_tick(std::uint64_t ticks) {
  return static_cast<std::uint64_t>((Wide{ticks} * kNanosecondsPerSecond + kPitHertz - 1) /
                                    kPitHertz);
}

std::uint64_t from_bcd(std::uint16_t value) {
  std::uint64_t number = 0;
  for (int shift = 12; shift >= 0; shift -= 4) number = number * 10 + ((value >> shift) & 0xf);
  return number;
}

std::uint16_t to_bcd(std::uint64_t number) {
  unsigned value = 0;
  for (unsigned shift = 0; shift < 16; shift += 4, number /= 10) value |= (number % 10) << shift;
  return static_cast<std::uint16_t>(value);
}

}  // namespace

std::uint64_t PitChannel::period() const {
  std::uint64_t const largest = state_.bcd ? 10'000 : 65'536;
  std::uint64_t const count = state_.bcd ? from_bcd(state_.count) : state_.count;
  std::uint64_t const period = count == 0 || count > largest ? largest : count;
  // 1 is illegal in modes 2 and 3.
  return state_.mode == 2 || state_.mode == 3 ? std::max<std::uint64_t>(period, 2) : period;
}

bool PitChannel::counts() const {
  if (!state_.loaded) return false;
  // The gate only triggers modes 1 and 5; it stops the others.
  return state_.mode == 1 || state_.mode == 5 ? state_.triggered : state_.gate;
}

std::uint64_t PitChannel::age(std::uint64_t now) const {
  return counts() ? state_.age + (now - start_) : state_.age;
}

std::uint64_t PitChannel::ticks(std::uint64_t now) const {
  return ticks_of(age(now));
}

void PitChannel::restart(std::uint64_t now) {
  start_ = now;
  last_edge_ = now;
  state_.age = 0;
  state_.edges = 0;
}

void PitChannel::load(std::uint16_t count, std::uint64_t now) {
  // A running one-shot (modes 1 and 5) takes the new count at its next trigger; starting it over
  // as untriggered differs only for a guest that reloads one in flight.
  state_.count = count;
  state_.loaded = true;
  state_.triggered = false;
  restart(now);
}

void PitChannel::write_control(std::uint8_t value, std::uint64_t now) {
  unsigned const access = (value >> 4) & 3;
  if (access == 0) {
    latch_count(now);
    return;
  }
  unsigned const mode = (value >> 1) & 7;
  state_ = PitChannelState{
      .mode = static_cast<std::uint8_t>(mode > 5 ? mode - 4 : mode),
      .access = static_cast<std::uint8_t>(access),
      .bcd = (value & 1) != 0,
      .gate = state_.gate,
  };
  restart(now);
}

void PitChannel::write(std::uint8_t value, std::uint64_t now) {
  switch (state_.access) {
    case 1: load(value, now); break;
    case 2: load(static_cast<std::uint16_t>(value << 8), now); break;
    default:
      if (std::exchange(state_.high_byte_next_write, !state_.high_byte_next_write)) {
        load(static_cast<std::uint16_t>(value << 8 | state_.low_byte), now);
      } else {
        state_.low_byte = value;
        // The first byte stops the counter in mode 0.
        if (state_.mode == 0) state_.loaded = false;
      }
  }
}

std::uint16_t PitChannel::counter(std::uint64_t now) const {
  std::uint64_t const elapsed = ticks(now);
  std::uint64_t const count = period();
  std::uint64_t value = count;
  switch (state_.mode) {
    case 2: value = count - elapsed % count; break;
    // Counts by twos, twice around a period.
    case 3: {
      std::uint64_t const half = (count + 1) / 2;
      std::uint64_t const in_period = elapsed % count;
      value = count - 2 * (in_period < half ? in_period : in_period - half);
      break;
    }
    // After the end these count on, around the whole range.
    default: {
      std::uint64_t const range = state_.bcd ? 10'000 : 65'536;
      value = (count + range - elapsed % range) % range;
    }
  }
  return state_.bcd ? to_bcd(value % 10'000) : static_cast<std::uint16_t>(value);
}

bool PitChannel::output(std::uint64_t now) const {
  bool const idle = state_.mode != 0;  // Only mode 0 waits with OUT low.
  if (!state_.loaded) return idle;
  std::uint64_t const elapsed = ticks(now);
  std::uint64_t const count = period();
  switch (state_.mode) {
    case 0: return elapsed >= count;
    case 1: return !state_.triggered || elapsed >= count;
    case 2: return !state_.gate || elapsed % count != count - 1;
    case 3: return !state_.gate || elapsed % count < (count + 1) / 2;
    default: return !counts() || elapsed != count;  // Low for one tick at the end.
  }
}

void PitChannel::latch_count(std::uint64_t now) {
  // A second latch command before the first is read is ignored.
  if (state_.latched_bytes != 0) return;
  state_.latched_count = counter(now);
  state_.latched_bytes = state_.access == 3 ? 2 : 1;
}

void PitChannel::latch_status(std::uint64_t now) {
  if (state_.status_is_latched) return;
  state_.status_is_latched = true;
  state_.latched_status =
      static_cast<std::uint8_t>((output(now) ? 0x80 : 0) | (state_.loaded ? 0 : 0x40) |
                                state_.access << 4 | state_.mode << 1 | (state_.bcd ? 1 : 0));
}

std::uint8_t PitChannel::read(std::uint64_t now) {
  if (std::exchange(state_.status_is_latched, false)) return state_.latched_status;
  bool const latched = state_.latched_bytes != 0;
  auto const value = latched ? state_.latched_count : counter(now);
  if (latched) --state_.latched_bytes;
  bool high = state_.access == 2;
  if (state_.access == 3) {
    high = std::exchange(state_.high_byte_next_read, !state_.high_byte_next_read);
  }
  return static_cast<std::uint8_t>(high ? value >> 8 : value);
}

void PitChannel::set_gate(bool high, std::uint64_t now) {
  if (high == state_.gate) return;
  std::uint64_t const so_far = age(now);
  state_.gate = high;
  bool const triggers = state_.mode != 0 && state_.mode != 4;
  if (high && triggers) {
    state_.triggered = state_.loaded;
    restart(now);
  } else if (state_.mode != 1 && state_.mode != 5) {
    // Modes 0 and 4 go on where they were stopped.
    state_.age = so_far;
    start_ = now;
  }
}

// How often OUT rose in the first `ticks` ticks.
std::uint64_t PitChannel::edges_after(std::uint64_t ticks) const {
  if (!counts()) return state_.edges;
  std::uint64_t const count = period();
  switch (state_.mode) {
    case 0:
    case 1: return ticks >= count ? 1 : 0;
    case 2:
    case 3: return ticks / count;
    default: return ticks > count ? 1 : 0;
  }
}

bool PitChannel::take_edges(std::uint64_t now) {
  auto const edges = edges_after(ticks(now));
  if (edges <= state_.edges) return false;
  state_.edges = edges;
  last_edge_ = now;
  return true;
}

std::optional<std::uint64_t> PitChannel::next_edge(std::uint64_t now) const {
  if (!counts()) return std::nullopt;
  bool const repeats = state_.mode == 2 || state_.mode == 3;
  if (!repeats && state_.edges != 0) return std::nullopt;
  std::uint64_t const strobe = state_.mode >= 4 ? 1 : 0;
  std::uint64_t const due = age_of_tick((state_.edges + 1) * period() + strobe);
  std::uint64_t const so_far = age(now);
  std::uint64_t const next = due <= so_far ? now : now + (due - so_far);
  return repeats ? std::max(next, last_edge_ + kShortestPeriod) : next;
}

PitChannelState PitChannel::save(std::uint64_t now) const {
  auto state = state_;
  state.age = std::min(age(now), kOldestAge);
  return state;
}

Result<> PitChannel::check(PitChannelState const& state) {
  if (state.mode > 5 || state.access < 1 || state.access > 3 || state.latched_bytes > 2 ||
      state.age > kOldestAge || state.edges > ticks_of(kOldestAge)) {
    return fail(Errc::Corrupt, "saved state of a PIT channel is out of range");
  }
  return {};
}

Result<> PitChannel::restore(PitChannelState const& state, std::uint64_t now) {
  BH_TRY(check(state));
  state_ = state;
  start_ = now;
  last_edge_ = now;
  return {};
}

}  // namespace bh::vmm::chip
