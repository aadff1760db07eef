#include "vmm/chip/local_apic.h"

#include <algorithm>

#include "vmm/engine/engine.h"

namespace bh::vmm::chip {

namespace {

constexpr std::uint8_t kFirstLegalVector = 16;
constexpr std::uint8_t kClass = 0xf0;

DeliveryMode delivery_of(std::uint32_t entry) {
  return static_cast<DeliveryMode>((entry >> 8) & 7);
}

}  // namespace

LocalApic::LocalApic(unsigned id, Clock const& clock, ApicBus& bus)
    : id_(id), clock_(clock), bus_(bus) {
  reset(kLocalApicAddress.value | apic::kBaseEnabled | (id == 0 ? apic::kBaseBsp : 0));
}

// SDM vol. 3, 11.4.7.1 and .3: power-up and INIT leave the same, but for the base.
void LocalApic::reset(std::uint64_t base) {
  state_ = LocalApicState{.base = base};
  state_.lvt.fill(apic::kLvtMasked);
  // No firmware runs that would set up virtual wire mode, on which kernels count until they have
  // found the I/O APIC.
  if (id_ == 0) lvt(apic::LvtLint0) = static_cast<std::uint32_t>(DeliveryMode::ExtInt) << 8;
  in_service_.clear();
  trigger_modes_.clear();
  requests_.clear();
  timer_ = ApicTimer();
  timer_changed_ = true;
  wiring_changed_ = true;
}

LocalApic::Mode LocalApic::mode() const {
  if ((state_.base & apic::kBaseEnabled) == 0) return Mode::Disabled;
  return (state_.base & apic::kBaseX2Apic) != 0 ? Mode::X2Apic : Mode::XApic;
}

Moment LocalApic::moment() const {
  return {
      .now = clock_.now(), .guest_tsc = clock_.tsc() + tsc_offset_, .tsc_khz = clock_.tsc_khz()};
}

bool LocalApic::matches(InterruptMessage const& message) const {
  if (mode() == Mode::Disabled) return false;
  if (message.destination == kBroadcast) return true;
  if (message.destination_mode == DestinationMode::Logical) {
    return matches_logical(message.destination);
  }
  return message.destination == id_;
}

bool LocalApic::matches_logical(std::uint32_t destination) const {
  if (mode() == Mode::X2Apic) {
    auto const logical = read_logical_destination();
    return (destination >> 16) == (logical >> 16) && (destination & logical & 0xffff) != 0;
  }
  if (destination > 0xff) return false;
  auto const logical = state_.logical_destination >> 24;
  switch (state_.destination_format >> 28) {
    case 0xf: return (destination & logical) != 0;
    case 0x0: return (destination >> 4) == (logical >> 4) && (destination & logical & 0xf) != 0;
    default: return false;
  }
}

bool LocalApic::accepts_lowest_priority() const {
  return mode() != Mode::Disabled && software_enabled();
}

bool LocalApic::accept(InterruptMessage const& message) {
  if (mode() == Mode::Disabled) return false;
  switch (message.delivery) {
    case DeliveryMode::Fixed:
    case DeliveryMode::LowestPriority: return request(message.vector, message.trigger);
    case DeliveryMode::Nmi: state_.nmi_pending = true; return true;
    case DeliveryMode::Init:
      state_.init_pending = true;
      // A SIPI from before the INIT must not start the vCPU after it.
      state_.sipi_pending = false;
      return true;
    case DeliveryMode::StartUp:
      state_.sipi_pending = true;
      state_.sipi_vector = message.vector;
      return true;
    default: return false;
  }
}

bool LocalApic::request(std::uint8_t vector, TriggerMode trigger) {
  if (!software_enabled()) return false;
  if (vector < kFirstLegalVector) {
    report(apic::kReceivedIllegalVector);
    return false;
  }
  requests_.add(vector);
  if (trigger == TriggerMode::Level) {
    trigger_modes_.add(vector);
  } else {
    trigger_modes_.remove(vector);
  }
  return true;
}

void LocalApic::report(std::uint32_t error) {
  bool const is_new = (state_.errors & error) == 0;
  state_.errors |= error;
  // An error vector that is itself illegal must not report itself for ever.
  if (is_new) raise_lvt(apic::LvtError);
}

void LocalApic::raise_lvt(unsigned reg) {
  auto const entry = lvt(reg);
  if ((entry & apic::kLvtMasked) != 0) return;
  bool const has_mode = reg != apic::LvtTimer && reg != apic::LvtError;
  switch (has_mode ? delivery_of(entry) : DeliveryMode::Fixed) {
    case DeliveryMode::Fixed: request(static_cast<std::uint8_t>(entry), TriggerMode::Edge); break;
    case DeliveryMode::Nmi: state_.nmi_pending = true; break;
    default: break;  // ExtINT follows the level of the PIC's output.
  }
}

void LocalApic::pulse_lint0() {
  if (mode() != Mode::Disabled) raise_lvt(apic::LvtLint0);
}

bool LocalApic::passes_external_interrupts() const {
  // Without an APIC the pin is INTR; only the boot processor's is wired.
  if (mode() == Mode::Disabled) return id_ == 0;
  auto const entry = lvt(apic::LvtLint0);
  return (entry & apic::kLvtMasked) == 0 && delivery_of(entry) == DeliveryMode::ExtInt;
}

bool LocalApic::listens_to_pic() const {
  return mode() == Mode::Disabled ? id_ == 0 : (lvt(apic::LvtLint0) & apic::kLvtMasked) == 0;
}

std::uint8_t LocalApic::processor_priority() const {
  auto const task = static_cast<std::uint8_t>(state_.task_priority);
  std::uint8_t const service = in_service_.highest() & kClass;
  return (task & kClass) >= service ? task : service;
}

// SDM vol. 3, 11.6.2.4.
std::uint8_t LocalApic::arbitration_priority() const {
  auto const task = static_cast<std::uint8_t>(state_.task_priority);
  std::uint8_t const service = in_service_.highest() & kClass;
  std::uint8_t const wanted = requests_.highest() & kClass;
  if ((task & kClass) >= wanted && (task & kClass) > service) return task;
  return std::max<std::uint8_t>(task & service, wanted);
}

bool LocalApic::has_interrupt() const {
  return mode() != Mode::Disabled &&
         (requests_.highest() & kClass) > (processor_priority() & kClass);
}

std::optional<std::uint8_t> LocalApic::acknowledge() {
  if (!has_interrupt()) return std::nullopt;
  auto const vector = requests_.highest();
  requests_.remove(vector);
  in_service_.add(vector);
  return vector;
}

void LocalApic::end_of_interrupt() {
  auto const vector = in_service_.highest();
  if (vector == 0) return;
  in_service_.remove(vector);
  if (trigger_modes_.has(vector)) bus_.end_of_interrupt(vector);
}

std::optional<StartUp> LocalApic::take_start_up() {
  if (state_.init_pending) {
    auto const before = state_;
    // The mode survives INIT, in x2APIC mode too (SDM vol. 3, 11.12.5.1).
    reset(before.base);
    state_.sipi_pending = before.sipi_pending;
    state_.sipi_vector = before.sipi_vector;
    return StartUp{.kind = StartUp::Kind::Init};
  }
  if (!std::exchange(state_.sipi_pending, false)) return std::nullopt;
  return StartUp{.kind = StartUp::Kind::Sipi, .vector = state_.sipi_vector};
}

void LocalApic::run_timer(Moment const& now) {
  if (mode() == Mode::Disabled || !timer_.expire(now)) return;
  timer_changed_ = true;
  raise_lvt(apic::LvtTimer);
}

std::optional<std::uint64_t> LocalApic::timer_deadline() const {
  // A masked timer counts but wakes nobody; what it does is seen when somebody looks.
  if (mode() == Mode::Disabled || (lvt(apic::LvtTimer) & apic::kLvtMasked) != 0) {
    return std::nullopt;
  }
  return timer_.next(moment());
}

LocalApicState LocalApic::save() const {
  auto state = state_;
  state.in_service = in_service_.words();
  state.trigger_modes = trigger_modes_.words();
  state.requests = requests_.words();
  state.timer = timer_.save(moment());
  return state;
}

}  // namespace bh::vmm::chip
