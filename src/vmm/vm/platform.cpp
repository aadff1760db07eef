#include "vmm/vm/platform.h"

#include <string>
#include <utility>

#include "vmm/boot/acpi/power_ports.h"
#include "vmm/loop/event.h"

namespace bh::vmm {

namespace {

// The IBM PC's addresses and interrupts.
constexpr std::uint16_t kSerialPort = 0x3f8;
constexpr unsigned kSerialIrq = 4;
constexpr std::uint16_t kKeyboardDataPort = 0x60;
constexpr std::uint16_t kKeyboardCommandPort = 0x64;
constexpr unsigned kKeyboardIrq = 1;
constexpr unsigned kAcpiIrq = 9;
constexpr std::uint16_t kRtcPort = 0x70;
constexpr std::uint64_t kRtcPorts = 2;

}  // namespace

Result<std::unique_ptr<Platform>> Platform::create(PlatformWorld world,
                                                   BootTimer::Clock boot_clock) {
  std::unique_ptr<Platform> platform(new Platform(world, std::move(boot_clock)));
  BH_TRY(platform->attach());
  return platform;
}

Platform::Platform(PlatformWorld world, BootTimer::Clock boot_clock)
    : world_(world),
      serial_(
          [this](std::byte byte) {
            if (!console_limit_ || console_limit_->take()) world_.console.put(byte);
          },
          line(kSerialIrq), [this] { signal_event(world_.input_room); }),
      keyboard_controller_([this] { world_.stop.stop(GuestReset()); }, line(kKeyboardIrq)),
      acpi_power_([this] { world_.stop.stop(GuestPowerOff()); }, line(kAcpiIrq)),
      rtc_(wall_clock_),
      exit_port_([this](std::uint8_t status) { world_.stop.stop(GuestExit{status}); }),
      debug_port_([this](std::string_view text) {
        world_.logger.log(LogLevel::Info, "debug port: " + std::string(text));
      }) {
  if (world.console_limit) console_limit_.emplace(*world.console_limit);
  if (boot_clock) {
    boot_timer_.emplace(std::move(boot_clock), [this](BootTime time) {
      world_.logger.log(LogLevel::Info, format_boot_time(time));
    });
  }
}

Result<> Platform::attach() {
  auto const port = [this](std::uint64_t first, std::uint64_t size, auto& locked,
                           std::uint64_t device_offset = 0) {
    return ports_.add({.first = first, .size = size, .device_offset = device_offset}, locked.lock,
                      locked.device);
  };
  BH_TRY(port(kSerialPort, Serial::kPorts, serial_));
  // Port 0x61 between the two belongs to the timer chip of the engine.
  BH_TRY(port(kKeyboardDataPort, 1, keyboard_controller_, I8042::kDataOffset));
  BH_TRY(port(kKeyboardCommandPort, 1, keyboard_controller_, I8042::kCommandOffset));
  BH_TRY(port(boot::kPm1EventPort, AcpiPower::kPorts, acpi_power_));
  BH_TRY(port(kRtcPort, kRtcPorts, rtc_));
  BH_TRY(port(ExitPort::kPort, 1, exit_port_));
  BH_TRY(port(DebugPort::kPort, 1, debug_port_));
  if (boot_timer_) {
    BH_TRY(port(BootTimer::kPort, 1, *boot_timer_));
    BH_TRY(mmio_.add({.first = BootTimer::kAddress, .size = 1}, boot_timer_->lock,
                     boot_timer_->device));
  }
  return {};
}

IrqLine Platform::line(unsigned gsi) {
  return [this, gsi](LineLevel level) {
    auto const driven = world_.engine.set_irq_line(gsi, level);
    if (!driven) world_.logger.log(LogLevel::Error, driven.error().message);
  };
}

}  // namespace bh::vmm
