#include "vmm/device/i8042.h"

#include <algorithm>
#include <string>
#include <utility>

namespace bh::vmm {

namespace {

// IBM PS/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device Controller".
enum Command : std::uint8_t {
  ReadControl = 0x20,
  WriteControl = 0x60,
  DisableMouse = 0xa7,
  EnableMouse = 0xa8,
  TestMouse = 0xa9,
  SelfTest = 0xaa,
  TestKeyboard = 0xab,
  DisableKeyboard = 0xad,
  EnableKeyboard = 0xae,
  ReadOutputPort = 0xd0,
  WriteOutputPort = 0xd1,
  LoopKeyboard = 0xd2,
  LoopMouse = 0xd3,
  WriteMouse = 0xd4,
  PulseFirst = 0xf0,  // 0xf0-0xff pulse the output lines whose bit is clear; bit 0 is reset.
};

enum KeyboardCommand : std::uint8_t {
  SetLeds = 0xed,
  Echo = 0xee,
  ScanCodeSet = 0xf0,
  Identify = 0xf2,
  SetRate = 0xf3,
  Reset = 0xff,
};

constexpr std::uint8_t kStatusOutputFull = 0x01;
constexpr std::uint8_t kStatusSystem = 0x04;
constexpr std::uint8_t kStatusCommand = 0x08;
constexpr std::uint8_t kStatusUnlocked = 0x10;

constexpr std::uint8_t kControlKeyboardInterrupt = 0x01;
constexpr std::uint8_t kControlKeyboardDisabled = 0x10;
constexpr std::uint8_t kControlMouseDisabled = 0x20;

constexpr std::uint8_t kOutputNotReset = 0x01;
constexpr std::uint8_t kOutputA20 = 0x02;

constexpr std::uint8_t kTestPassed = 0x55;
constexpr std::uint8_t kClockLineStuckLow = 0x01;
constexpr std::uint8_t kAcknowledge = 0xfa;

// What a PC's firmware leaves behind: self test passed, scan code translation, keyboard interrupt.
constexpr std::uint8_t kControlAfterFirmware = 0x45 | kControlMouseDisabled;

// Scan code set 1: the make codes of left Ctrl, left Alt, Delete (extended), then their breaks.
constexpr std::array<std::uint8_t, 8> kCtrlAltDelete{0x1d, 0x38, 0xe0, 0x53,
                                                     0xe0, 0xd3, 0xb8, 0x9d};

}  // namespace

I8042::I8042(OnReset on_reset, IrqLine keyboard_irq)
    : on_reset_(std::move(on_reset)), irq_(std::move(keyboard_irq)) {
  state_.control = kControlAfterFirmware;
  state_.output_port = kOutputNotReset | kOutputA20;
}

void I8042::read(std::uint64_t offset, std::span<std::byte> data) {
  std::ranges::fill(data, std::byte{0xff});
  if (data.size() != 1) return;
  if (offset == kCommandOffset) {
    std::uint8_t status = kStatusSystem | kStatusUnlocked;
    if (state_.queued != 0) status |= kStatusOutputFull;
    if (state_.last_to_controller != 0) status |= kStatusCommand;
    data[0] = std::byte{status};
  } else if (offset == kDataOffset) {
    data[0] = std::byte{state_.queue[0]};
    if (state_.queued == 0) return;  // An empty buffer repeats its last byte.
    // The line must fall between two bytes: an edge-triggered controller counts only rises.
    if (std::exchange(line_, LineLevel::Low) == LineLevel::High) irq_(LineLevel::Low);
    if (--state_.queued != 0) {
      std::ranges::copy(state_.queue.begin() + 1, state_.queue.end(), state_.queue.begin());
    }
    update_irq();
  }
}

void I8042::write(std::uint64_t offset, std::span<std::byte const> data) {
  if (data.size() != 1) return;
  auto const value = std::to_integer<std::uint8_t>(data[0]);
  if (offset == kCommandOffset) {
    state_.last_to_controller = 1;
    command(value);
  } else if (offset == kDataOffset) {
    state_.last_to_controller = 0;
    if (auto const pending = std::exchange(state_.pending, 0); pending != 0) {
      command_data(pending, value);
    } else {
      keyboard_command(value);
    }
  }
}

void I8042::command(std::uint8_t value) {
  state_.pending = 0;
  switch (value) {
    case Command::ReadControl: reply(state_.control); break;
    case Command::DisableMouse: state_.control |= kControlMouseDisabled; break;
    case Command::EnableMouse:
      state_.control &= static_cast<std::uint8_t>(~kControlMouseDisabled);
      break;
    case Command::TestMouse: reply(kClockLineStuckLow); break;
    case Command::SelfTest: reply(kTestPassed); break;
    case Command::TestKeyboard: reply(0); break;
    case Command::DisableKeyboard: state_.control |= kControlKeyboardDisabled; break;
    case Command::EnableKeyboard:
      state_.control &= static_cast<std::uint8_t>(~kControlKeyboardDisabled);
      update_irq();
      break;
    case Command::ReadOutputPort: reply(state_.output_port); break;
    case Command::WriteControl:
    case Command::WriteOutputPort:
    case Command::LoopKeyboard:
    case Command::LoopMouse:
    case Command::WriteMouse: state_.pending = value; break;
    default:
      if (value >= Command::PulseFirst && (value & kOutputNotReset) == 0) on_reset_();
      break;
  }
}

void I8042::command_data(std::uint8_t command, std::uint8_t value) {
  switch (command) {
    case Command::WriteControl:
      state_.control = value;
      update_irq();
      break;
    case Command::WriteOutputPort: set_output_port(value); break;
    // Without a mouse its loopback answers like the keyboard's, so that a driver which looks for
    // the mouse bit gives up at once instead of waiting.
    case Command::LoopKeyboard:
    case Command::LoopMouse: reply(value); break;
    default: break;  // Command::WriteMouse: nobody is there to answer.
  }
}

void I8042::keyboard_command(std::uint8_t value) {
  if (std::exchange(state_.keyboard_pending, 0) != 0) return reply(kAcknowledge);
  switch (value) {
    case KeyboardCommand::Echo: return reply(KeyboardCommand::Echo);
    case KeyboardCommand::SetLeds:
    case KeyboardCommand::ScanCodeSet:
    case KeyboardCommand::SetRate: state_.keyboard_pending = value; return reply(kAcknowledge);
    case KeyboardCommand::Identify:
      reply(kAcknowledge);
      reply(0xab);  // A translating controller passes an MF2 keyboard's ab 83 on as ab 41.
      return reply((state_.control & 0x40) != 0 ? 0x41 : 0x83);
    case KeyboardCommand::Reset: reply(kAcknowledge); return reply(0xaa);
    default: return reply(kAcknowledge);
  }
}

void I8042::reply(std::uint8_t value) {
  // A guest that never reads loses answers, as with the real controller.
  if (state_.queued == state_.queue.size()) return;
  state_.queue[state_.queued++] = value;
  update_irq();
}

void I8042::set_output_port(std::uint8_t value) {
  state_.output_port = value;
  if ((value & kOutputNotReset) == 0) on_reset_();
}

void I8042::update_irq() {
  bool const raised = state_.queued != 0 && (state_.control & kControlKeyboardInterrupt) != 0;
  auto const level = raised ? LineLevel::High : LineLevel::Low;
  if (level != std::exchange(line_, level)) irq_(level);
}

Result<> I8042::press_ctrl_alt_delete() {
  if ((state_.control & kControlKeyboardDisabled) != 0) {
    return fail(Errc::Busy, "press Ctrl-Alt-Del: the guest has switched its keyboard off");
  }
  if (state_.queue.size() - state_.queued < kCtrlAltDelete.size()) {
    return fail(Errc::Busy, "press Ctrl-Alt-Del: the guest does not read its keyboard");
  }
  for (auto const code : kCtrlAltDelete) reply(code);
  return {};
}

Result<> I8042::restore(I8042State const& state) {
  if (state.queued > state.queue.size() || state.last_to_controller > 1) {
    return fail(Errc::Corrupt, "restore i8042: " + std::to_string(state.queued) +
                                   " queued bytes, or a flag that is not 0 or 1");
  }
  state_ = state;
  update_irq();
  return {};
}

}  // namespace bh::vmm
