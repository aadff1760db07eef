// Registers of the local APIC as the guest reads and writes them.
#include "base/bytes.h"
#include "vmm/chip/local_apic.h"

namespace bh::vmm::chip {

namespace {

using namespace apic;

constexpr std::uint32_t kLastRegister = 0x3f;

// Bits software can set, in Register order from LvtTimer on (SDM vol. 3, figure 11-8).
constexpr std::array<std::uint32_t, kLvtCount> kLvtWritable{0x700ff, 0x107ff, 0x107ff,
                                                            0x1a7ff, 0x1a7ff, 0x100ff};
// Delivery status and remote IRR: read-only, not reserved.
constexpr std::uint32_t kLvtReadOnly = 0x5000;

constexpr std::uint32_t kCommandWritable = 0x000c'cfff;
constexpr std::uint32_t kCommandStatus = 1U << 12;
constexpr std::uint32_t kSpuriousWritable = 0x3ff;
constexpr std::uint32_t kDivideWritable = 0xb;
constexpr std::uint8_t kFirstLegalVector = 16;

bool is_lvt(unsigned reg) {
  return reg >= LvtTimer && reg <= LvtError;
}

// What x2APIC mode lets software write without #GP; nullopt for registers it cannot write at all.
std::optional<std::uint64_t> x2apic_writable(unsigned reg) {
  if (is_lvt(reg)) return kLvtWritable[reg - LvtTimer] | kLvtReadOnly;
  switch (reg) {
    case TaskPriority: return 0xff;
    case Eoi:
    case ErrorStatus: return 0;
    case Spurious: return kSpuriousWritable;
    case CommandLow: return 0xffff'ffff'0000'0000 | kCommandWritable | kCommandStatus;
    case InitialCount: return 0xffff'ffff;
    case Divide: return kDivideWritable;
    case SelfIpi: return 0xff;
    default: return std::nullopt;
  }
}

}  // namespace

std::uint32_t LocalApic::read_logical_destination() const {
  if (mode() != Mode::X2Apic) return state_.logical_destination;
  return (id_ >> 4) << 16 | 1U << (id_ & 0xf);  // SDM vol. 3, 11.12.10.2.
}

// nullopt: no such register, or it cannot be read.
std::optional<std::uint32_t> LocalApic::read_register(unsigned reg) const {
  if (reg >= InService && reg < TriggerModes) return in_service_.words()[reg - InService];
  if (reg >= TriggerModes && reg < Requests) return trigger_modes_.words()[reg - TriggerModes];
  if (reg >= Requests && reg < ErrorStatus) return requests_.words()[reg - Requests];
  if (is_lvt(reg)) return lvt(reg);
  bool const x2apic = mode() == Mode::X2Apic;
  switch (reg) {
    case Id: return x2apic ? id_ : id_ << 24;
    case Version: return kVersion;
    case TaskPriority: return state_.task_priority;
    case ProcessorPriority: return processor_priority();
    case LogicalDestination: return read_logical_destination();
    case Spurious: return state_.spurious;
    case ErrorStatus: return state_.error_status;
    case CommandLow: return static_cast<std::uint32_t>(state_.command);
    case InitialCount: return timer_.initial_count();
    case CurrentCount: return timer_.current_count(moment());
    case Divide: return timer_.divide();
    default: break;
  }
  if (x2apic) return std::nullopt;
  switch (reg) {
    case ArbitrationPriority: return arbitration_priority();
    case Eoi:
    case RemoteRead: return 0;
    case DestinationFormat: return state_.destination_format;
    case CommandHigh: return static_cast<std::uint32_t>(state_.command >> 32);
    default: return std::nullopt;
  }
}

// False if there is no such register, or it cannot be written.
bool LocalApic::write_register(unsigned reg, std::uint32_t value) {
  if (is_lvt(reg)) {
    write_lvt(reg, value);
    return true;
  }
  switch (reg) {
    case TaskPriority: state_.task_priority = value & 0xff; return true;
    case Eoi: end_of_interrupt(); return true;
    case LogicalDestination: state_.logical_destination = value & 0xff00'0000; return true;
    case DestinationFormat: state_.destination_format = value | 0x0fff'ffff; return true;
    case Spurious: write_spurious(value); return true;
    case ErrorStatus: state_.error_status = std::exchange(state_.errors, 0); return true;
    case CommandLow:
      state_.command = (state_.command >> 32 << 32) | (value & kCommandWritable);
      send(value, widen_destination(static_cast<std::uint8_t>(state_.command >> 56)));
      return true;
    case CommandHigh:
      state_.command = (state_.command & 0xffff'ffff) | std::uint64_t{value & 0xff00'0000} << 32;
      return true;
    case InitialCount:
      run_timer();
      timer_.set_initial_count(value, moment());
      timer_changed_ = true;
      return true;
    case Divide:
      run_timer();
      timer_.set_divide(value, moment());
      timer_changed_ = true;
      return true;
    // Read-only, not reserved: hardware ignores the write.
    case Id:
    case Version:
    case ArbitrationPriority:
    case ProcessorPriority:
    case RemoteRead:
    case CurrentCount: return true;
    default: return reg >= InService && reg < ErrorStatus;
  }
}

void LocalApic::write_spurious(std::uint32_t value) {
  state_.spurious = value & kSpuriousWritable;
  if (software_enabled()) return;
  // SDM vol. 3, 11.4.7.2: a software-disabled APIC masks its LVT.
  for (unsigned reg = LvtTimer; reg <= LvtError; ++reg) write_lvt(reg, lvt(reg));
}

void LocalApic::write_lvt(unsigned reg, std::uint32_t value) {
  if (reg == LvtTimer) run_timer();  // What was due was due under the old entry.
  value &= kLvtWritable[reg - LvtTimer];
  if (!software_enabled()) value |= kLvtMasked;
  lvt(reg) = value;
  if (reg == LvtLint0) wiring_changed_ = true;
  if (reg != LvtTimer) return;
  timer_.set_mode(static_cast<ApicTimer::Mode>((value >> kLvtTimerModeShift) & 3));
  timer_changed_ = true;
}

// Sends what the low half of a command register says.
void LocalApic::send(std::uint32_t command, std::uint32_t destination) {
  auto const vector = static_cast<std::uint8_t>(command);
  auto const delivery = static_cast<DeliveryMode>((command >> 8) & 7);
  bool const asserts = ((command >> 14) & 1) != 0;
  switch (delivery) {
    case DeliveryMode::Fixed:
    case DeliveryMode::LowestPriority:
      if (vector < kFirstLegalVector) {
        report(kSentIllegalVector);
        return;
      }
      break;
    case DeliveryMode::Init:
      if (!asserts) return;  // INIT level de-assert only synchronizes ids of old CPUs.
      break;
    case DeliveryMode::Nmi:
    case DeliveryMode::StartUp: break;
    default: return;
  }
  // The trigger mode of an IPI is ignored: always edge (SDM vol. 3, 11.6.1).
  bus_.deliver({
      .vector = vector,
      .delivery = delivery,
      .destination_mode =
          ((command >> 11) & 1) != 0 ? DestinationMode::Logical : DestinationMode::Physical,
      .shorthand = static_cast<Shorthand>((command >> 18) & 3),
      .destination = destination,
      .sender = id_,
  });
}

void LocalApic::read(std::uint64_t offset, std::span<std::byte> data) {
  if (mode() != Mode::XApic) {
    store_little_endian(data, ~0ULL);
    return;
  }
  // A register is the first 4 bytes of its 16; an access may take a part of it.
  std::uint64_t value = 0;
  if ((offset & 0xf) + data.size() <= 4) {
    auto const found = read_register(static_cast<unsigned>(offset >> 4));
    if (!found) report(kIllegalRegister);
    value = std::uint64_t{found.value_or(0)} >> (8 * (offset & 0xf));
  }
  store_little_endian(data, value);
}

void LocalApic::write(std::uint64_t offset, std::span<std::byte const> data) {
  // Anything but an aligned 32-bit store is undefined (SDM vol. 3, 11.4.1): ignored.
  if (mode() != Mode::XApic || (offset & 0xf) != 0 || data.size() != 4) return;
  auto const value = static_cast<std::uint32_t>(load_little_endian(data));
  if (!write_register(static_cast<unsigned>(offset >> 4), value)) report(kIllegalRegister);
}

std::optional<std::uint64_t> LocalApic::read_msr(std::uint32_t index) {
  if (index == kBaseMsr) return state_.base;
  if (index == kTscDeadlineMsr) {
    run_timer();
    return timer_.tsc_deadline();
  }
  if (mode() != Mode::X2Apic || index < kFirstMsr || index > kFirstMsr + kLastRegister) {
    return std::nullopt;
  }
  unsigned const reg = index - kFirstMsr;
  if (reg == CommandLow) return state_.command;
  return read_register(reg);
}

bool LocalApic::write_msr(std::uint32_t index, std::uint64_t value) {
  if (index == kBaseMsr) return write_base(value);
  if (index == kTscDeadlineMsr) {
    auto const now = moment();
    run_timer(now);
    timer_.set_tsc_deadline(value);
    run_timer(now);  // A deadline in the past is due at once.
    timer_changed_ = true;
    return true;
  }
  if (mode() != Mode::X2Apic || index < kFirstMsr || index > kFirstMsr + kLastRegister) {
    return false;
  }
  return write_x2apic(index - kFirstMsr, value);
}

bool LocalApic::write_x2apic(unsigned reg, std::uint64_t value) {
  auto const writable = x2apic_writable(reg);
  if (!writable || (value & ~*writable) != 0) return false;
  auto const low = static_cast<std::uint32_t>(value);
  if (reg == CommandLow) {
    state_.command = (value >> 32 << 32) | (low & kCommandWritable);
    send(low, static_cast<std::uint32_t>(value >> 32));
    return true;
  }
  if (reg == SelfIpi) {
    send(low | static_cast<std::uint32_t>(Shorthand::Self) << 18, id_);
    return true;
  }
  return write_register(reg, low);
}

bool LocalApic::write_base(std::uint64_t value) {
  // The page cannot move: its address is fixed on every machine we make.
  constexpr std::uint64_t kKept = ~(kBaseEnabled | kBaseX2Apic);
  if ((value & kKept) != (state_.base & kKept)) return false;
  constexpr std::uint64_t kModeBits = kBaseEnabled | kBaseX2Apic;
  auto const from = state_.base & kModeBits;
  auto const to = value & kModeBits;
  if (from == to) return true;
  // SDM vol. 3, figure 11-27: x2APIC is reached from xAPIC only, and left for Disabled only.
  if (to == kBaseX2Apic) return false;
  if (to == kModeBits && from != kBaseEnabled) return false;
  if (to == kBaseEnabled && from == kModeBits) return false;
  if (to == 0 || from == 0) {
    reset(value);
  } else {
    state_.base = value;
    state_.command &= 0xffff'ffff;
  }
  return true;
}

Result<> LocalApic::check(LocalApicState const& state) const {
  constexpr std::uint64_t kModeBits = kBaseEnabled | kBaseX2Apic;
  auto const corrupt = [](char const* what) {
    return fail(Errc::Corrupt, std::string("saved state of a local APIC: ") + what);
  };
  if (((state.base ^ state_.base) & ~kModeBits) != 0 || (state.base & kModeBits) == kBaseX2Apic) {
    return corrupt("impossible IA32_APIC_BASE");
  }
  for (auto const& words : {state.in_service, state.trigger_modes, state.requests}) {
    if ((words[0] & 0xffff) != 0) return corrupt("a vector below 16 is pending");
  }
  for (unsigned i = 0; i < kLvtCount; ++i) {
    if ((state.lvt[i] & ~kLvtWritable[i]) != 0) return corrupt("reserved bits in the LVT");
  }
  if (state.task_priority > 0xff || (state.logical_destination & 0x00ff'ffff) != 0 ||
      (~state.destination_format & 0x0fff'ffff) != 0 ||
      (state.spurious & ~kSpuriousWritable) != 0 || (state.error_status | state.errors) > 0xff ||
      (state.command & 0xffff'ffff & ~std::uint64_t{kCommandWritable}) != 0) {
    return corrupt("reserved bits in a register");
  }
  return ApicTimer::check(state.timer);
}

Result<> LocalApic::restore(LocalApicState const& state) {
  BH_TRY(check(state));
  state_ = state;
  in_service_ = VectorSet(state.in_service);
  trigger_modes_ = VectorSet(state.trigger_modes);
  requests_ = VectorSet(state.requests);
  auto const timer_entry = lvt(LvtTimer);
  auto const timer_mode = static_cast<ApicTimer::Mode>((timer_entry >> kLvtTimerModeShift) & 3);
  timer_changed_ = true;
  wiring_changed_ = true;
  return timer_.restore(state.timer, timer_mode, moment());
}

}  // namespace bh::vmm::chip
