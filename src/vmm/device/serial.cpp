#include "vmm/device/serial.h"

#include <algorithm>
#include <utility>

namespace bh::vmm {

namespace {

// PC16550D data sheet, section 8 "Registers".
enum Register : std::uint8_t {
  Data,
  InterruptEnable,
  InterruptIdentOrFifoControl,
  LineControl,
  ModemControl,
  LineStatus,
  ModemStatus,
  Scratch,
};

constexpr std::uint8_t kIerReceive = 0x01;
constexpr std::uint8_t kIerTransmit = 0x02;
constexpr std::uint8_t kIerLineStatus = 0x04;
constexpr std::uint8_t kIerModemStatus = 0x08;
constexpr std::uint8_t kIerBits = 0x0f;

constexpr std::uint8_t kIirNone = 0x01;
constexpr std::uint8_t kIirModemStatus = 0x00;
constexpr std::uint8_t kIirTransmit = 0x02;
constexpr std::uint8_t kIirReceive = 0x04;
constexpr std::uint8_t kIirLineStatus = 0x06;
constexpr std::uint8_t kIirFifosEnabled = 0xc0;

constexpr std::uint8_t kFcrEnable = 0x01;
constexpr std::uint8_t kFcrClearReceiver = 0x02;

constexpr std::uint8_t kLcrDivisorLatch = 0x80;

constexpr std::uint8_t kMcrDtr = 0x01;
constexpr std::uint8_t kMcrRts = 0x02;
constexpr std::uint8_t kMcrOut1 = 0x04;
constexpr std::uint8_t kMcrOut2 = 0x08;
constexpr std::uint8_t kMcrLoop = 0x10;
constexpr std::uint8_t kMcrBits = 0x1f;

constexpr std::uint8_t kLsrDataReady = 0x01;
constexpr std::uint8_t kLsrOverrun = 0x02;
constexpr std::uint8_t kLsrTransmitterEmpty = 0x60;

constexpr std::uint8_t kMsrCts = 0x10;
constexpr std::uint8_t kMsrDsr = 0x20;
constexpr std::uint8_t kMsrRi = 0x40;
constexpr std::uint8_t kMsrDcd = 0x80;
constexpr std::uint8_t kMsrLines = 0xf0;

// What a reset of the receiver FIFO can lose at most: its real depth.
constexpr std::size_t kFifoDepth = 16;

}  // namespace

Serial::Serial(Output output, IrqLine irq, InputRoom on_input_room)
    : output_(std::move(output)), irq_(std::move(irq)), on_input_room_(std::move(on_input_room)) {}

// A wide access to an 8-bit ISA device is one cycle a byte, on consecutive ports.
void Serial::read(std::uint64_t offset, std::span<std::byte> data) {
  for (auto& byte : data) byte = read_register(offset++);
}

void Serial::write(std::uint64_t offset, std::span<std::byte const> data) {
  for (auto const byte : data) write_register(offset++, std::to_integer<std::uint8_t>(byte));
}

std::byte Serial::read_register(std::uint64_t offset) {
  bool const latch = (registers_.lcr & kLcrDivisorLatch) != 0;
  std::uint8_t value = 0xff;
  switch (offset) {
    case Register::Data:
      if (!latch) return read_receiver();
      value = registers_.divisor_low;
      break;
    case Register::InterruptEnable: value = latch ? registers_.divisor_high : registers_.ier; break;
    case Register::InterruptIdentOrFifoControl:
      value = identify_interrupt();
      if (value == kIirTransmit) registers_.transmitter_pending = false;
      if ((registers_.fcr & kFcrEnable) != 0) value |= kIirFifosEnabled;
      break;
    case Register::LineControl: value = registers_.lcr; break;
    case Register::ModemControl: value = registers_.mcr; break;
    case Register::LineStatus:
      value = kLsrTransmitterEmpty | std::exchange(registers_.lsr_errors, 0);
      if (data_ready()) value |= kLsrDataReady;
      break;
    case Register::ModemStatus:
      value = modem_lines() | std::exchange(registers_.msr_changes, 0);
      break;
    case Register::Scratch: value = registers_.scr; break;
    default: break;
  }
  update_irq();
  return std::byte{value};
}

void Serial::write_register(std::uint64_t offset, std::uint8_t value) {
  bool const latch = (registers_.lcr & kLcrDivisorLatch) != 0;
  switch (offset) {
    case Register::Data:
      if (!latch) return write_transmitter(value);
      registers_.divisor_low = value;
      break;
    case Register::InterruptEnable:
      if (latch) {
        registers_.divisor_high = value;
        break;
      }
      // Enabling the transmit interrupt raises it if the transmitter is empty, and ours always is.
      if ((value & ~registers_.ier & kIerTransmit) != 0) registers_.transmitter_pending = true;
      registers_.ier = value & kIerBits;
      break;
    case Register::InterruptIdentOrFifoControl: write_fifo_control(value); break;
    case Register::LineControl: registers_.lcr = value; break;
    case Register::ModemControl: write_modem_control(value); break;
    case Register::Scratch: registers_.scr = value; break;
    default: break;  // Line and modem status are read-only.
  }
  update_irq();
}

void Serial::write_transmitter(std::uint8_t value) {
  // The pin must fall while the byte is under way: an edge-triggered controller counts only rises.
  registers_.transmitter_pending = false;
  update_irq();
  if ((registers_.mcr & kMcrLoop) == 0) {
    output_(std::byte{value});
  } else if (input_.size() < kInputLimit) {
    input_.push_back(std::byte{value});
  } else {
    registers_.lsr_errors |= kLsrOverrun;
  }
  registers_.transmitter_pending = true;
  update_irq();
}

void Serial::write_fifo_control(std::uint8_t value) {
  // Switching the FIFOs on or off clears them too, but drivers do that just after they begin to
  // receive: what they would lose is still on the wire.
  if ((value & kFcrClearReceiver) != 0 && data_ready()) {
    input_.erase(input_.begin(),
                 input_.begin() + static_cast<std::ptrdiff_t>(std::min(input_.size(), kFifoDepth)));
  }
  registers_.fcr = value & kFcrEnable;
}

void Serial::write_modem_control(std::uint8_t value) {
  std::uint8_t const before = modem_lines();
  registers_.mcr = value & kMcrBits;
  std::uint8_t const after = modem_lines();
  std::uint8_t const changed = before ^ after;
  // Delta bits mirror their lines four bits lower, but for RI: its bit tells of a falling edge.
  registers_.msr_changes |= (changed & ~kMsrRi) >> 4;
  if ((before & ~after & kMsrRi) != 0) registers_.msr_changes |= kMsrRi >> 4;
}

std::byte Serial::read_receiver() {
  if (!data_ready()) return std::byte{0};
  std::byte const byte = input_.front();
  input_.pop_front();
  if (input_.size() == kInputLimit / 2) on_input_room_();
  update_irq();
  return byte;
}

std::uint8_t Serial::identify_interrupt() const {
  auto const enabled = registers_.ier;
  if ((enabled & kIerLineStatus) != 0 && registers_.lsr_errors != 0) return kIirLineStatus;
  if ((enabled & kIerReceive) != 0 && data_ready()) return kIirReceive;
  if ((enabled & kIerTransmit) != 0 && registers_.transmitter_pending) return kIirTransmit;
  if ((enabled & kIerModemStatus) != 0 && registers_.msr_changes != 0) return kIirModemStatus;
  return kIirNone;
}

std::uint8_t Serial::modem_lines() const {
  // The other end of the cable is always there and ready.
  if ((registers_.mcr & kMcrLoop) == 0) return kMsrCts | kMsrDsr | kMsrDcd;
  std::uint8_t lines = 0;
  if ((registers_.mcr & kMcrRts) != 0) lines |= kMsrCts;
  if ((registers_.mcr & kMcrDtr) != 0) lines |= kMsrDsr;
  if ((registers_.mcr & kMcrOut1) != 0) lines |= kMsrRi;
  if ((registers_.mcr & kMcrOut2) != 0) lines |= kMsrDcd;
  return lines & kMsrLines;
}

bool Serial::data_ready() const {
  // Linux keeps RTS raised while it resets a closed port, but not OUT2.
  constexpr std::uint8_t kPolling = kMcrRts | kMcrOut2;
  bool const receiving = (registers_.ier & kIerReceive) != 0 ||
                         (registers_.mcr & kPolling) == kPolling ||
                         (registers_.mcr & kMcrLoop) != 0;
  return receiving && !input_.empty();
}

void Serial::update_irq() {
  auto const level = identify_interrupt() == kIirNone ? LineLevel::Low : LineLevel::High;
  if (level != std::exchange(line_, level)) irq_(level);
}

std::size_t Serial::push_input(std::span<std::byte const> bytes) {
  auto const accepted = bytes.first(std::min(bytes.size(), input_room()));
  input_.insert(input_.end(), accepted.begin(), accepted.end());
  update_irq();
  return accepted.size();
}

SerialState Serial::save() const {
  SerialState state = registers_;
  state.input.assign(input_.begin(), input_.end());
  return state;
}

Result<> Serial::restore(SerialState const& state) {
  if (state.input.size() > kInputLimit) {
    return fail(Errc::Corrupt, "restore serial: " + std::to_string(state.input.size()) +
                                   " bytes of input, more than " + std::to_string(kInputLimit));
  }
  if ((state.ier & ~kIerBits) != 0 || (state.fcr & ~kFcrEnable) != 0 ||
      (state.mcr & ~kMcrBits) != 0 || (state.lsr_errors & ~kLsrOverrun) != 0 ||
      (state.msr_changes & kMsrLines) != 0) {
    return fail(Errc::Corrupt, "restore serial: register bits that do not exist");
  }
  registers_ = state;
  registers_.input.clear();
  input_.assign(state.input.begin(), state.input.end());
  update_irq();
  return {};
}

}  // namespace bh::vmm
