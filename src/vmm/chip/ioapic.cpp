#include "vmm/chip/ioapic.h"

#include <algorithm>

#include "base/bytes.h"

namespace bh::vmm::chip {

namespace {

// Version 0x20 is what promises the EOI register; bits 16-23 are the number of the last pin.
constexpr std::uint32_t kVersion = 0x20 | (kIoApicPins - 1) << 16;

constexpr std::uint64_t kSelect = 0x00;
constexpr std::uint64_t kWindow = 0x10;
constexpr std::uint64_t kEoi = 0x40;

constexpr std::uint8_t kFirstEntry = 0x10;

constexpr std::uint64_t kRemoteIrr = 1U << 14;
constexpr std::uint64_t kLevel = 1U << 15;
constexpr std::uint64_t kMasked = 1U << 16;
constexpr std::uint64_t kDeliveryStatus = 1U << 12;
constexpr std::uint64_t kReadOnly = kDeliveryStatus | kRemoteIrr;
constexpr std::uint64_t kDefined = 0xff00'0000'0001'ffff;

InterruptMessage message_of(std::uint64_t entry) {
  return {
      .vector = static_cast<std::uint8_t>(entry),
      .delivery = static_cast<DeliveryMode>((entry >> 8) & 7),
      .destination_mode =
          ((entry >> 11) & 1) != 0 ? DestinationMode::Logical : DestinationMode::Physical,
      .trigger = (entry & kLevel) != 0 ? TriggerMode::Level : TriggerMode::Edge,
      .destination = widen_destination(static_cast<std::uint8_t>(entry >> 56)),
  };
}

}  // namespace

IoApic::IoApic(ApicBus& bus) : bus_(bus) {
  state_.redirection.fill(kMasked);
}

bool IoApic::unmasked(unsigned pin) const {
  return pin < kIoApicPins && (state_.redirection[pin] & kMasked) == 0;
}

void IoApic::set_line(unsigned pin, LineLevel level) {
  if (pin >= kIoApicPins) return;
  std::uint32_t const bit = 1U << pin;
  bool const high = level == LineLevel::High;
  bool const rises = high && (state_.lines & bit) == 0;
  state_.lines = high ? state_.lines | bit : state_.lines & ~bit;
  if ((state_.redirection[pin] & kLevel) != 0) {
    deliver_if_level(pin);
  } else if (rises && unmasked(pin)) {
    // An edge on a masked pin is lost (82093AA, "Interrupt Mask").
    deliver(pin);
  }
}

void IoApic::deliver(unsigned pin) {
  auto const message = message_of(state_.redirection[pin]);
  if (message.delivery == DeliveryMode::ExtInt || message.delivery == DeliveryMode::Smi) return;
  bool const taken = bus_.deliver(message);
  if (taken && message.trigger == TriggerMode::Level) state_.redirection[pin] |= kRemoteIrr;
}

void IoApic::deliver_if_level(unsigned pin) {
  auto const entry = state_.redirection[pin];
  bool const high = ((state_.lines >> pin) & 1) != 0;
  if (high && (entry & kLevel) != 0 && (entry & (kMasked | kRemoteIrr)) == 0) deliver(pin);
}

void IoApic::end_of_interrupt(std::uint8_t vector) {
  for (unsigned pin = 0; pin < kIoApicPins; ++pin) {
    auto& entry = state_.redirection[pin];
    if ((entry & kRemoteIrr) == 0 || static_cast<std::uint8_t>(entry) != vector) continue;
    entry &= ~kRemoteIrr;
    deliver_if_level(pin);
  }
}

std::uint32_t IoApic::read_selected() const {
  auto const index = state_.selected;
  if (index == 0 || index == 2) return state_.id;  // The arbitration id follows the id.
  if (index == 1) return kVersion;
  if (index < kFirstEntry || index >= kFirstEntry + 2 * kIoApicPins) return 0;
  auto const entry = state_.redirection[(index - kFirstEntry) / 2];
  return static_cast<std::uint32_t>((index & 1) != 0 ? entry >> 32 : entry);
}

void IoApic::write_selected(std::uint32_t value) {
  auto const index = state_.selected;
  if (index == 0) state_.id = value & 0x0f00'0000;
  if (index < kFirstEntry || index >= kFirstEntry + 2 * kIoApicPins) return;
  unsigned const pin = (index - kFirstEntry) / 2;
  auto& entry = state_.redirection[pin];
  std::uint64_t const written = (index & 1) != 0
                                    ? (entry & 0xffff'ffff) | std::uint64_t{value} << 32
                                    : (entry >> 32 << 32) | value;
  entry = (written & kDefined & ~kReadOnly) | (entry & kReadOnly);
  // Kernels clear a stuck remote IRR by switching the pin to edge and back.
  if ((entry & kLevel) == 0) entry &= ~kRemoteIrr;
  deliver_if_level(pin);
}

void IoApic::read(std::uint64_t offset, std::span<std::byte> data) {
  std::uint64_t value = 0;
  if (offset == kSelect) value = state_.selected;
  if (offset == kWindow) value = read_selected();
  store_little_endian(data, value);
}

void IoApic::write(std::uint64_t offset, std::span<std::byte const> data) {
  auto const value = static_cast<std::uint32_t>(load_little_endian(data));
  switch (offset) {
    case kSelect: state_.selected = static_cast<std::uint8_t>(value); break;
    case kWindow: write_selected(value); break;
    case kEoi: end_of_interrupt(static_cast<std::uint8_t>(value)); break;
    default: break;
  }
}

Result<> IoApic::check(IoApicState const& state) {
  bool const defined = std::ranges::all_of(state.redirection, [](std::uint64_t entry) {
    return (entry & ~kDefined) == 0 && ((entry & kRemoteIrr) == 0 || (entry & kLevel) != 0);
  });
  if (!defined || (state.id & ~0x0f00'0000U) != 0 || (state.lines >> kIoApicPins) != 0) {
    return fail(Errc::Corrupt, "saved state of the I/O APIC has reserved bits set");
  }
  return {};
}

Result<> IoApic::restore(IoApicState const& state) {
  BH_TRY(check(state));
  state_ = state;
  return {};
}

}  // namespace bh::vmm::chip
