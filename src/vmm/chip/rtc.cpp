#include "vmm/chip/rtc.h"

#include <chrono>
#include <ctime>
#include <optional>

namespace bh::vmm::chip {

namespace {

enum Cell : std::uint8_t {
  Seconds = 0x00,
  Minutes = 0x02,
  Hours = 0x04,
  WeekDay = 0x06,
  MonthDay = 0x07,
  Month = 0x08,
  Year = 0x09,
  StatusA = 0x0a,
  StatusB = 0x0b,
  StatusC = 0x0c,
  StatusD = 0x0d,
  Century = 0x32,
};

constexpr std::uint8_t kUpdateInProgress = 0x80;  // Status A
constexpr std::uint8_t kUsualRate = 0x26;         // Status A: 32768 Hz crystal, 1024 Hz rate.
constexpr std::uint8_t kSet = 0x80;               // Status B
constexpr std::uint8_t kBinary = 0x04;
constexpr std::uint8_t k24Hours = 0x02;
constexpr std::uint8_t kValid = 0x80;  // Status D
constexpr std::uint8_t kAfternoon = 0x80;

// How long before the seconds change register A announces it.
constexpr std::uint64_t kUpdateNotice = 244'000;  // ns
constexpr std::uint64_t kSecond = 1'000'000'000;  // ns

std::uint8_t to_bcd(unsigned value) {
  return static_cast<std::uint8_t>((value / 10 % 10) << 4 | value % 10);
}

unsigned twelve_hours(unsigned hour) {
  return hour % 12 == 0 ? 12 : hour % 12;
}

// The number in a cell of the time; nullopt for other cells.
std::optional<unsigned> time_in(std::uint8_t cell, std::uint64_t unix_seconds) {
  using namespace std::chrono;
  auto const now = sys_seconds(seconds(static_cast<std::int64_t>(unix_seconds)));
  auto const day = floor<days>(now);
  year_month_day const date(day);
  hh_mm_ss const time(now - day);
  auto const full_year = static_cast<unsigned>(static_cast<int>(date.year()));
  switch (cell) {
    case Seconds: return static_cast<unsigned>(time.seconds().count());
    case Minutes: return static_cast<unsigned>(time.minutes().count());
    case Hours: return static_cast<unsigned>(time.hours().count());
    case WeekDay: return weekday(day).c_encoding() + 1;
    case MonthDay: return static_cast<unsigned>(date.day());
    case Month: return static_cast<unsigned>(date.month());
    case Year: return full_year % 100;
    case Century: return full_year / 100;
    default: return std::nullopt;
  }
}

}  // namespace

std::uint64_t HostWallClock::unix_nanoseconds() const {
  timespec time{};
  (void)::clock_gettime(CLOCK_REALTIME, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kSecond +
         static_cast<std::uint64_t>(time.tv_nsec);
}

Rtc::Rtc(WallClock const& clock) : clock_(clock) {
  state_.cells[StatusA] = kUsualRate;
  state_.cells[StatusB] = k24Hours;
}

std::uint8_t Rtc::read_cell() const {
  auto const now = clock_.unix_nanoseconds();
  auto const mode = state_.cells[StatusB];
  if (auto number = time_in(state_.index, now / kSecond)) {
    bool const in_halves = state_.index == Hours && (mode & k24Hours) == 0;
    bool const afternoon = in_halves && *number >= 12;
    if (in_halves) number = twelve_hours(*number);
    auto const digits =
        (mode & kBinary) != 0 ? static_cast<std::uint8_t>(*number) : to_bcd(*number);
    return static_cast<std::uint8_t>(digits | (afternoon ? kAfternoon : 0));
  }
  switch (state_.index) {
    case StatusA: {
      // Nothing is updated while the guest holds SET.
      bool const soon = (mode & kSet) == 0 && now % kSecond >= kSecond - kUpdateNotice;
      return static_cast<std::uint8_t>(state_.cells[StatusA] | (soon ? kUpdateInProgress : 0));
    }
    case StatusC: return 0;  // No interrupt ever happened.
    case StatusD: return kValid;
    default: return state_.cells[state_.index];
  }
}

void Rtc::write_cell(std::uint8_t value) {
  if (state_.index == StatusA) value &= static_cast<std::uint8_t>(~kUpdateInProgress);
  state_.cells[state_.index] = value;
}

void Rtc::read(std::uint64_t offset, std::span<std::byte> data) {
  for (std::size_t i = 0; i < data.size(); ++i) {
    // The index port is write-only.
    data[i] = std::byte{offset + i == 1 ? read_cell() : std::uint8_t{0xff}};
  }
}

void Rtc::write(std::uint64_t offset, std::span<std::byte const> data) {
  for (std::size_t i = 0; i < data.size(); ++i) {
    auto const value = std::to_integer<std::uint8_t>(data[i]);
    // Bit 7 of the index port gates NMI, of which this machine's board has none.
    if (offset + i == 0) state_.index = value & 0x7f;
    if (offset + i == 1) write_cell(value);
  }
}

Result<> Rtc::restore(RtcState const& state) {
  if (state.index >= state.cells.size() || (state.cells[StatusA] & kUpdateInProgress) != 0) {
    return fail(Errc::Corrupt, "saved state of the clock is out of range");
  }
  state_ = state;
  return {};
}

}  // namespace bh::vmm::chip
