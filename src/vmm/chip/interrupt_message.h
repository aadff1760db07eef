#pragma once

#include <cstdint>

namespace bh::vmm::chip {

/// Encoding of the ICR, the LVT and redirection entries (SDM vol. 3, 11.5.1 and 11.6.1). What has
/// no name here is reserved and delivers nothing.
enum class DeliveryMode : std::uint8_t {
  Fixed = 0,
  LowestPriority = 1,
  Smi = 2,
  Nmi = 4,
  Init = 5,
  StartUp = 6,
  ExtInt = 7,
};
enum class DestinationMode : std::uint8_t { Physical, Logical };
enum class TriggerMode : std::uint8_t { Edge, Level };
enum class Shorthand : std::uint8_t { None, Self, All, Others };

/// Every local APIC; 8-bit senders mean it by 0xff.
inline constexpr std::uint32_t kBroadcast = 0xffff'ffff;

/// One interrupt on its way from the I/O APIC or a local APIC to local APICs.
struct InterruptMessage {
  std::uint8_t vector = 0;  // The page number for StartUp.
  DeliveryMode delivery = DeliveryMode::Fixed;
  DestinationMode destination_mode = DestinationMode::Physical;
  TriggerMode trigger = TriggerMode::Edge;
  Shorthand shorthand = Shorthand::None;
  std::uint32_t destination = 0;  // An APIC id, a logical set, or kBroadcast.
  std::uint32_t sender = 0;       // APIC id, for the shorthands.
};

/// An 8-bit destination as the 32-bit one that means the same.
constexpr std::uint32_t widen_destination(std::uint8_t destination) {
  return destination == 0xff ? kBroadcast : destination;
}

/// What connects the APICs of one machine.
class ApicBus {
 public:
  virtual ~ApicBus() = default;

  /// True if a local APIC took the message. May come back to the sender's accept().
  virtual bool deliver(InterruptMessage const& message) = 0;
  /// A level-triggered interrupt of `vector` was ended at a local APIC.
  virtual void end_of_interrupt(std::uint8_t vector) = 0;
};

}  // namespace bh::vmm::chip
