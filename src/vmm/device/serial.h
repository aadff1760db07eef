#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "vmm/bus/device.h"
#include "vmm/bus/irq_line.h"

namespace bh::vmm {

/// A whole 16550A between two guest accesses.
struct SerialState {
  std::uint8_t ier = 0;
  std::uint8_t fcr = 0;  // Only the FIFO enable bit lasts.
  std::uint8_t lcr = 0;
  std::uint8_t mcr = 0;
  std::uint8_t lsr_errors = 0;
  std::uint8_t msr_changes = 0;
  std::uint8_t scr = 0;
  std::uint8_t divisor_low = 12;  // 9600 baud.
  std::uint8_t divisor_high = 0;
  bool transmitter_pending = false;  // The "transmitter empty" interrupt was not read yet.
  std::vector<std::byte> input;      // What the guest has not read yet, at most kInputLimit.

  friend bool operator==(SerialState const&, SerialState const&) = default;
};

/// Serial port: 16550A (TI PC16550D data sheet) with eight ports, e.g. 0x3f8 and IRQ 4.
///
/// It transmits at once: the guest finds the transmitter empty, and whoever gets the bytes must
/// hold the guest back if it cannot keep up (ConsoleOutput does). Input waits on the wire, as with
/// a sender that honours RTS, until the guest enables the receive interrupt or, to poll, raises RTS
/// and OUT2: nothing typed while the guest boots is lost to the resets of its driver.
class Serial final : public Device {
 public:
  /// Input beyond this many bytes waits at the sender: it is memory the guest makes us hold by
  /// not reading.
  static constexpr std::size_t kInputLimit = std::size_t{64} * 1024;
  static constexpr std::uint64_t kPorts = 8;

  using Output = std::move_only_function<void(std::byte)>;
  using InputRoom = std::move_only_function<void()>;

  /// `output` gets each byte the guest sends; `irq` follows the interrupt pin; `on_input_room` is
  /// called whenever the guest has read the queue down to half of its limit. None may block or call
  /// back.
  Serial(Output output, IrqLine irq, InputRoom on_input_room);

  std::string_view name() const override { return "serial"; }
  void read(std::uint64_t offset, std::span<std::byte> data) override;
  void write(std::uint64_t offset, std::span<std::byte const> data) override;

  /// Queues input for the guest and returns how many bytes fit. The caller holds the device's lock.
  std::size_t push_input(std::span<std::byte const> bytes);
  std::size_t input_room() const { return kInputLimit - input_.size(); }

  SerialState save() const;
  /// Checks `state` as hostile input; on an error nothing changes.
  Result<> restore(SerialState const& state);

 private:
  std::byte read_register(std::uint64_t offset);
  void write_register(std::uint64_t offset, std::uint8_t value);
  void write_transmitter(std::uint8_t value);
  void write_fifo_control(std::uint8_t value);
  void write_modem_control(std::uint8_t value);
  std::byte read_receiver();
  std::uint8_t identify_interrupt() const;
  std::uint8_t modem_lines() const;
  bool data_ready() const;
  void update_irq();

  Output output_;
  IrqLine irq_;
  InputRoom on_input_room_;
  SerialState registers_;  // Its `input` stays empty: input_ is the queue.
  std::deque<std::byte> input_;
  LineLevel line_ = LineLevel::Low;
};

}  // namespace bh::vmm
