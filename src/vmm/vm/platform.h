#pragma once

#include <memory>
#include <optional>

#include "base/error.h"
#include "base/mutex.h"
#include "vmm/bus/bus.h"
#include "vmm/chip/rtc.h"
#include "vmm/device/acpi_power.h"
#include "vmm/device/boot_timer.h"
#include "vmm/device/debug_port.h"
#include "vmm/device/exit_port.h"
#include "vmm/device/i8042.h"
#include "vmm/device/serial.h"
#include "vmm/engine/engine.h"
#include "vmm/vm/console_limit.h"
#include "vmm/vm/console_output.h"
#include "vmm/vm/logger.h"
#include "vmm/vm/stop.h"

namespace bh::vmm {

/// A device with the lock that the bus holds while it calls it. Whoever else calls it takes the
/// lock too; the bus keeps pointers to both, which clang's analysis cannot follow.
template <typename D>
struct Locked {
  template <typename... Arguments>
  explicit Locked(Arguments&&... arguments) : device(std::forward<Arguments>(arguments)...) {}

  Mutex lock;
  D device;
};

/// What the platform's devices talk to. Outlives them.
struct PlatformWorld {
  Engine& engine;
  ConsoleOutput& console;
  StopSwitch& stop;
  Logger& logger;
  os::UniqueFd const& input_room;  // Signalled when the serial port takes input again.
  std::optional<TokenBucketConfig> console_limit = {};
};

/// The fixed devices of a PC that every machine has, on its two buses.
class Platform {
 public:
  /// `boot_clock` tells how long the machine has been coming up; empty: no boot timer.
  static Result<std::unique_ptr<Platform>> create(PlatformWorld world, BootTimer::Clock boot_clock);

  Bus& ports() { return ports_; }
  Bus& mmio() { return mmio_; }
  Locked<Serial>& serial() { return serial_; }
  Locked<AcpiPower>& acpi_power() { return acpi_power_; }
  Locked<I8042>& keyboard_controller() { return keyboard_controller_; }
  /// Bytes the guest printed beyond its limit. Any thread.
  std::uint64_t dropped_console_bytes() const {
    return console_limit_ ? console_limit_->dropped() : 0;
  }

 private:
  Platform(PlatformWorld world, BootTimer::Clock boot_clock);

  Result<> attach();
  IrqLine line(unsigned gsi);

  PlatformWorld world_;
  chip::HostWallClock wall_clock_;
  Bus ports_;
  Bus mmio_;
  std::optional<ConsoleLimit> console_limit_;  // Under the lock of serial_.
  Locked<Serial> serial_;
  Locked<I8042> keyboard_controller_;
  Locked<AcpiPower> acpi_power_;
  Locked<chip::Rtc> rtc_;
  Locked<ExitPort> exit_port_;
  Locked<DebugPort> debug_port_;
  std::optional<Locked<BootTimer>> boot_timer_;
};

}  // namespace bh::vmm
