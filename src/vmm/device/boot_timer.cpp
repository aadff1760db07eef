#include "vmm/device/boot_timer.h"

#include <fmt/format.h>

#include <algorithm>

namespace bh::vmm {

std::string format_boot_time(BootTime time) {
  return fmt::format("Guest-boot-time = {:>6} us {} ms, {:>6} CPU us {} CPU ms", time.wall.count(),
                     time.wall.count() / 1000, time.cpu.count(), time.cpu.count() / 1000);
}

void BootTimer::read(std::uint64_t /*offset*/, std::span<std::byte> data) {
  std::ranges::fill(data, std::byte{0xff});
}

void BootTimer::write(std::uint64_t /*offset*/, std::span<std::byte const> data) {
  // A guest could fill the log by writing again and again: it boots once.
  if (data.size() != 1 || data[0] != std::byte{kMagic} || std::exchange(state_.booted, true))
    return;
  on_booted_(clock_());
}

}  // namespace bh::vmm
