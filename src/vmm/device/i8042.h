#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "base/error.h"
#include "vmm/bus/device.h"
#include "vmm/bus/irq_line.h"

namespace bh::vmm {

/// A whole keyboard controller between two guest accesses.
struct I8042State {
  static constexpr std::size_t kQueueLimit = 16;

  std::uint8_t control = 0;  // The controller's command byte.
  std::uint8_t output_port = 0;
  std::uint8_t pending = 0;             // Controller command that waits for its data byte, or 0.
  std::uint8_t keyboard_pending = 0;    // Keyboard command that waits for its data byte, or 0.
  std::uint8_t last_to_controller = 0;  // 1 if the last write went to the command port.
  std::uint8_t queued = 0;
  std::array<std::uint8_t, kQueueLimit> queue{};  // What port 0x60 gives next; `queued` bytes.

  friend bool operator==(I8042State const&, I8042State const&) = default;
};

/// Keyboard controller with a keyboard nobody sits at: data at offset 0 (port 0x60), commands and
/// status at offset 4 (port 0x64), keyboard interrupt on IRQ 1. There is no mouse port.
/// Pulsing the reset line (command 0xfe, or bit 0 of the output port) is how a PC reboots.
class I8042 final : public Device {
 public:
  static constexpr std::uint64_t kDataOffset = 0;
  static constexpr std::uint64_t kCommandOffset = 4;

  using OnReset = std::move_only_function<void()>;

  /// `on_reset` must not call back.
  I8042(OnReset on_reset, IrqLine keyboard_irq);

  std::string_view name() const override { return "i8042"; }
  void read(std::uint64_t offset, std::span<std::byte> data) override;
  void write(std::uint64_t offset, std::span<std::byte const> data) override;

  /// Types Ctrl-Alt-Del. Errc::Busy if the guest has the keyboard switched off or does not read.
  /// The caller holds the device's lock.
  Result<> press_ctrl_alt_delete();

  I8042State save() const { return state_; }
  /// Checks `state` as hostile input; on an error nothing changes.
  Result<> restore(I8042State const& state);

 private:
  void command(std::uint8_t value);
  void command_data(std::uint8_t command, std::uint8_t value);
  void keyboard_command(std::uint8_t value);
  void reply(std::uint8_t value);
  void set_output_port(std::uint8_t value);
  void update_irq();

  OnReset on_reset_;
  IrqLine irq_;
  I8042State state_;
  LineLevel line_ = LineLevel::Low;
};

}  // namespace bh::vmm
