#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "base/error.h"
#include "vmm/chip/apic_timer.h"
#include "vmm/chip/clock.h"
#include "vmm/chip/interrupt_message.h"
#include "vmm/chip/local_apic_registers.h"
#include "vmm/chip/vector_set.h"

namespace bh::vmm::chip {

/// What a vCPU is told to become. INIT: take the INIT state (SDM vol. 3, table 10-1) and, unless
/// it is the boot processor, wait for SIPI. SIPI: start at `vector` * 0x1000 if waiting, else
/// ignore it.
struct StartUp {
  enum class Kind : std::uint8_t { Init, Sipi };
  Kind kind = Kind::Init;
  std::uint8_t vector = 0;

  friend bool operator==(StartUp const&, StartUp const&) = default;
};

struct LocalApicState {
  std::uint64_t base = 0;  // IA32_APIC_BASE
  std::uint32_t task_priority = 0;
  std::uint32_t logical_destination = 0;  // xAPIC
  std::uint32_t destination_format = 0xffff'ffff;
  std::uint32_t spurious = 0xff;
  VectorSet::Words in_service{};
  VectorSet::Words trigger_modes{};
  VectorSet::Words requests{};
  std::uint32_t error_status = 0;  // As software reads it.
  std::uint32_t errors = 0;        // Since it last wrote the register.
  std::uint64_t command = 0;       // ICR; bits 32-63 are as the mode has them.
  std::array<std::uint32_t, apic::kLvtCount> lvt{};
  ApicTimerState timer;
  bool nmi_pending = false;
  bool init_pending = false;
  bool sipi_pending = false;
  std::uint8_t sipi_vector = 0;

  friend bool operator==(LocalApicState const&, LocalApicState const&) = default;
};

/// The local APIC of one vCPU, as xAPIC and as x2APIC (SDM vol. 3, chapter 11).
///
/// Starts as firmware leaves it: APIC on but software-disabled, and on vCPU 0 LINT0 passes the
/// PIC's interrupts (virtual wire). LVT entries for thermal, performance and LINT1 are stored;
/// nothing here raises them. Not thread-safe: the ChipSet locks.
class LocalApic {
 public:
  enum class Mode : std::uint8_t { Disabled, XApic, X2Apic };

  /// `id` is the APIC id and the vCPU's index. All references must outlive this object.
  LocalApic(unsigned id, Clock const& clock, ApicBus& bus);

  Mode mode() const;
  unsigned id() const { return id_; }

  // The bus side.

  /// Whether a message without shorthand is addressed to this APIC.
  bool matches(InterruptMessage const& message) const;
  bool accepts_lowest_priority() const;
  std::uint8_t arbitration_priority() const;
  /// True if the message was taken.
  bool accept(InterruptMessage const& message);
  /// The PIC's output rose: counts if LINT0 is set to Fixed or NMI.
  void pulse_lint0();
  /// Whether the PIC's output is an interrupt for this vCPU.
  bool passes_external_interrupts() const;
  /// Whether the PIC's output matters to this vCPU in any way.
  bool listens_to_pic() const;

  // The CPU side.

  /// A vector above the processor priority waits in the IRR.
  bool has_interrupt() const;
  bool has_nmi() const { return state_.nmi_pending; }
  bool has_start_up() const { return state_.init_pending || state_.sipi_pending; }
  /// Moves the highest request to the ISR.
  std::optional<std::uint8_t> acknowledge();
  bool take_nmi() { return std::exchange(state_.nmi_pending, false); }
  /// Taking an INIT resets this APIC.
  std::optional<StartUp> take_start_up();
  std::uint8_t task_priority() const { return static_cast<std::uint8_t>(state_.task_priority); }
  void set_task_priority(std::uint8_t value) { state_.task_priority = value; }
  std::uint8_t processor_priority() const;

  /// Access to the xAPIC page, 1 to 8 bytes. Empty while the APIC is not in xAPIC mode.
  void read(std::uint64_t offset, std::span<std::byte> data);
  void write(std::uint64_t offset, std::span<std::byte const> data);

  /// IA32_APIC_BASE, IA32_TSC_DEADLINE and the x2APIC range; nullopt and false mean #GP.
  std::optional<std::uint64_t> read_msr(std::uint32_t index);
  bool write_msr(std::uint32_t index, std::uint64_t value);

  // Time.

  /// Added to the host's TSC.
  void set_tsc_offset(std::uint64_t offset) {
    tsc_offset_ = offset;
    timer_changed_ = true;
  }
  /// Fires the timer if it is due.
  void run_timer() { run_timer(moment()); }
  /// When run_timer() has something to do, in ns of the clock.
  std::optional<std::uint64_t> timer_deadline() const;
  /// Whether timer_deadline() may have changed since this was last asked.
  bool take_timer_changed() { return std::exchange(timer_changed_, false); }
  /// Whether listens_to_pic() may have changed since this was last asked.
  bool take_wiring_changed() { return std::exchange(wiring_changed_, false); }

  LocalApicState save() const;
  Result<> check(LocalApicState const& state) const;
  Result<> restore(LocalApicState const& state);

 private:
  void reset(std::uint64_t base);
  Moment moment() const;
  std::uint32_t& lvt(unsigned reg) { return state_.lvt[reg - apic::LvtTimer]; }
  std::uint32_t lvt(unsigned reg) const { return state_.lvt[reg - apic::LvtTimer]; }
  bool software_enabled() const { return (state_.spurious & apic::kSoftwareEnabled) != 0; }
  bool matches_logical(std::uint32_t destination) const;
  bool request(std::uint8_t vector, TriggerMode trigger);
  void raise_lvt(unsigned reg);
  void report(std::uint32_t error);
  void end_of_interrupt();

  std::optional<std::uint32_t> read_register(unsigned reg) const;
  std::uint32_t read_logical_destination() const;
  bool write_register(unsigned reg, std::uint32_t value);
  void write_spurious(std::uint32_t value);
  void write_lvt(unsigned reg, std::uint32_t value);
  void send(std::uint32_t command, std::uint32_t destination);
  void run_timer(Moment const& now);
  bool write_base(std::uint64_t value);
  bool write_x2apic(unsigned reg, std::uint64_t value);

  unsigned id_;
  Clock const& clock_;
  ApicBus& bus_;
  std::uint64_t tsc_offset_ = 0;
  LocalApicState state_;  // But for the vector sets and the timer, which live in:
  VectorSet in_service_;
  VectorSet trigger_modes_;
  VectorSet requests_;
  ApicTimer timer_;
  bool timer_changed_ = false;
  bool wiring_changed_ = false;
};

}  // namespace bh::vmm::chip
