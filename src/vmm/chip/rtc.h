#pragma once

#include <array>
#include <cstdint>

#include "base/error.h"
#include "vmm/bus/device.h"

namespace bh::vmm::chip {

/// Where the time of day comes from. Any thread.
class WallClock {
 public:
  virtual ~WallClock() = default;

  /// Nanoseconds since 1970-01-01 00:00 UTC, without leap seconds.
  virtual std::uint64_t unix_nanoseconds() const = 0;
};

/// The host's time of day.
class HostWallClock final : public WallClock {
 public:
  std::uint64_t unix_nanoseconds() const override;
};

struct RtcState {
  std::uint8_t index = 0;                 // 0-127
  std::array<std::uint8_t, 128> cells{};  // Those of the time are not used.

  friend bool operator==(RtcState const&, RtcState const&) = default;
};

/// The PC's clock with 128 bytes of CMOS (Motorola MC146818A data sheet), at ports 0x70 and 0x71.
///
/// It shows the host's time in UTC, in the format that register B asks for, with the century in
/// byte 0x32. The guest cannot set it: what it writes there is dropped. Alarm and periodic rate
/// are stored and never interrupt. The rest is memory.
class Rtc final : public Device {
 public:
  /// `clock` must outlive this object.
  explicit Rtc(WallClock const& clock);

  std::string_view name() const override { return "rtc"; }
  void read(std::uint64_t offset, std::span<std::byte> data) override;
  void write(std::uint64_t offset, std::span<std::byte const> data) override;

  RtcState save() const { return state_; }
  Result<> restore(RtcState const& state);

 private:
  std::uint8_t read_cell() const;
  void write_cell(std::uint8_t value);

  WallClock const& clock_;
  RtcState state_;
};

}  // namespace bh::vmm::chip
