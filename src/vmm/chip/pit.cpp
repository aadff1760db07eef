#include "vmm/chip/pit.h"

namespace bh::vmm::chip {

namespace {

constexpr std::uint16_t kControl = 0x43;
constexpr std::uint16_t kSystemControl = 0x61;

// Port 0x61 (IBM PC/AT technical reference, "system control port B").
constexpr std::uint8_t kGate2 = 0x01;
constexpr std::uint8_t kSpeaker = 0x02;
constexpr std::uint8_t kRefresh = 0x10;
constexpr std::uint8_t kOut2 = 0x20;
// The refresh bit changes with every DRAM refresh, which programs use as a delay.
constexpr std::uint64_t kRefreshPeriod = 15'085;  // ns

}  // namespace

Pit::Pit() {
  channels_[2].set_gate(false, 0);
}

bool Pit::owns_port(std::uint16_t port) {
  return (port >= 0x40 && port <= kControl) || port == kSystemControl;
}

std::uint8_t Pit::read(std::uint16_t port, std::uint64_t now) {
  if (port == kSystemControl) {
    return static_cast<std::uint8_t>(
        (channels_[2].gate() ? kGate2 : 0) | (speaker_ ? kSpeaker : 0) |
        ((now / kRefreshPeriod) % 2 != 0 ? kRefresh : 0) | (channels_[2].output(now) ? kOut2 : 0));
  }
  if (port < 0x40 || port >= kControl) return 0xff;  // The control register is write-only.
  return channels_[port - 0x40].read(now);
}

void Pit::write(std::uint16_t port, std::uint8_t value, std::uint64_t now) {
  if (port == kSystemControl) {
    channels_[2].set_gate((value & kGate2) != 0, now);
    speaker_ = (value & kSpeaker) != 0;
  } else if (port == kControl) {
    write_control(value, now);
  } else if (port >= 0x40 && port < kControl) {
    channels_[port - 0x40].write(value, now);
  }
}

void Pit::write_control(std::uint8_t value, std::uint64_t now) {
  unsigned const select = value >> 6;
  if (select < 3) {
    channels_[select].write_control(value, now);
    return;
  }
  // Read-back command: bits 5 and 4 are low to latch count and status of the channels in 1-3.
  for (unsigned i = 0; i < channels_.size(); ++i) {
    if (((value >> (i + 1)) & 1) == 0) continue;
    if ((value & 0x20) == 0) channels_[i].latch_count(now);
    if ((value & 0x10) == 0) channels_[i].latch_status(now);
  }
}

PitState Pit::save(std::uint64_t now) const {
  PitState state{.speaker = speaker_};
  for (unsigned i = 0; i < channels_.size(); ++i) state.channels[i] = channels_[i].save(now);
  return state;
}

Result<> Pit::check(PitState const& state) {
  for (auto const& channel : state.channels) BH_TRY(PitChannel::check(channel));
  return {};
}

Result<> Pit::restore(PitState const& state, std::uint64_t now) {
  BH_TRY(check(state));
  for (unsigned i = 0; i < channels_.size(); ++i) {
    BH_TRY(channels_[i].restore(state.channels[i], now));
  }
  speaker_ = state.speaker;
  return {};
}

}  // namespace bh::vmm::chip
