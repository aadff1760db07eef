#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "vmm/chip/apic_router.h"
#include "vmm/chip/clock.h"
#include "vmm/chip/pic.h"
#include "vmm/chip/pit.h"
#include "vmm/engine/engine.h"

namespace bh::vmm::chip {

/// All of a ChipSet. Times are ages, so a state can be restored on another host, at another time.
struct ChipSetState {
  PicState pic;
  IoApicState io_apic;
  PitState pit;
  std::vector<LocalApicState> local_apics;  // One per vCPU.

  friend bool operator==(ChipSetState const&, ChipSetState const&) = default;
};

/// The interrupt chips of a PC for an engine that has none in the kernel: two PICs, an I/O APIC, a
/// local APIC per vCPU and a PIT.
///
/// Any thread may call any method; attention(), interrupt_pending() and next_deadline() take no
/// lock. What is called for a vCPU means its registers, wherever it is called from. vCPU indexes
/// must be below the count.
class ChipSet {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    /// attention(vcpu) gained a bit. Called by any thread, also by the vCPU's own, with the
    /// ChipSet's lock held: set a flag or wake a thread, and call nothing here that locks.
    virtual void wake(unsigned vcpu) = 0;
    /// next_deadline() changed. Called as wake() is.
    virtual void timers_changed() = 0;
  };

  /// Bits of attention().
  static constexpr std::uint8_t kInterrupt = 1;
  static constexpr std::uint8_t kNmi = 2;
  static constexpr std::uint8_t kStartUp = 4;

  /// 1 to kMaxVcpus vCPUs. `clock` and `listener` must outlive this object.
  ChipSet(unsigned vcpu_count, Clock const& clock, Listener& listener);

  /// Drives GSI 0-23: 0-15 reach the PIC, all reach the I/O APIC pin of their number, but 0 reaches
  /// pin 2. GSI 2 is the PIC's cascade and not connected.
  void set_line(unsigned gsi, LineLevel level);

  // For a vCPU between two instructions.

  /// What there is to look at: kInterrupt, kNmi, kStartUp. wake() comes only for bits that were
  /// clear, so a vCPU that cannot take an interrupt now looks again when it can.
  std::uint8_t attention(unsigned vcpu) const {
    return attention_[vcpu].load(std::memory_order_acquire);
  }
  /// An interrupt above the vCPU's priority waits, or the PIC's for it.
  bool interrupt_pending(unsigned vcpu) const { return (attention(vcpu) & kInterrupt) != 0; }
  /// The vector to inject, now in service; nullopt if it went away meanwhile.
  std::optional<std::uint8_t> acknowledge(unsigned vcpu);
  bool take_nmi(unsigned vcpu);
  /// INIT before SIPI if both wait. A SIPI for a vCPU that does not wait for one is to be ignored.
  std::optional<StartUp> take_start_up(unsigned vcpu);
  /// CR8: 0-15.
  std::uint8_t task_priority(unsigned vcpu) const;
  void set_task_priority(unsigned vcpu, std::uint8_t value);

  // Registers.

  /// PIC, ELCR, PIT and port 0x61.
  static bool owns_port(std::uint16_t port);
  /// Wider accesses are byte accesses to neighbouring ports.
  void port_read(std::uint16_t port, std::span<std::byte> data);
  void port_write(std::uint16_t port, std::span<std::byte const> data);

  /// The pages of the I/O APIC and, at its fixed address, the local APICs.
  static bool owns_address(GuestAddress address);
  /// 1 to 8 bytes. The page of a local APIC that is not in xAPIC mode reads as all ones.
  void mmio_read(unsigned vcpu, GuestAddress address, std::span<std::byte> data);
  void mmio_write(unsigned vcpu, GuestAddress address, std::span<std::byte const> data);

  /// IA32_APIC_BASE, IA32_TSC_DEADLINE and 0x800-0x8ff.
  static bool owns_msr(std::uint32_t index);
  /// nullopt and false: #GP(0).
  std::optional<std::uint64_t> msr_read(unsigned vcpu, std::uint32_t index);
  bool msr_write(unsigned vcpu, std::uint32_t index, std::uint64_t value);

  // Time.

  /// What the vCPU's TSC is ahead of clock.tsc(), modulo 2^64.
  void set_tsc_offset(unsigned vcpu, std::uint64_t offset);
  /// When advance() has something to do, in ns of the clock. Timers that are masked or whose
  /// interrupt can reach nobody are not counted.
  std::optional<std::uint64_t> next_deadline() const;
  /// Fires what is due.
  void advance();

  ChipSetState save() const;
  /// Set the TSC offsets first. Checks `state` as hostile input; on an error nothing changes.
  Result<> restore(ChipSetState const& state);

 private:
  static constexpr std::uint64_t kNever = ~0ULL;

  void drive_locked(unsigned gsi, LineLevel level) BH_REQUIRES(mutex_);
  void run_pit_locked(std::uint64_t now) BH_REQUIRES(mutex_);
  bool pit_reaches_somebody_locked() const BH_REQUIRES(mutex_);
  std::uint8_t attention_of_locked(unsigned vcpu) const BH_REQUIRES(mutex_);
  void publish_locked() BH_REQUIRES(mutex_);
  void publish_locked(unsigned vcpu) BH_REQUIRES(mutex_);
  void publish_deadline_locked() BH_REQUIRES(mutex_);

  Clock const& clock_;
  Listener& listener_;

  // Written with the lock held, read without.
  std::array<std::atomic<std::uint8_t>, kMaxVcpus> attention_{};
  std::atomic<std::uint64_t> next_deadline_ = kNever;

  mutable Mutex mutex_;
  ApicRouter router_ BH_GUARDED_BY(mutex_);
  Pic pic_ BH_GUARDED_BY(mutex_);
  Pit pit_ BH_GUARDED_BY(mutex_);
  bool pic_output_ BH_GUARDED_BY(mutex_) = false;
  // vCPUs whose attention or timer may have changed, one per bit.
  std::uint32_t touched_ BH_GUARDED_BY(mutex_) = 0;
  bool pit_touched_ BH_GUARDED_BY(mutex_) = false;
  bool deadlines_touched_ BH_GUARDED_BY(mutex_) = false;
  std::array<std::uint64_t, kMaxVcpus> apic_deadlines_ BH_GUARDED_BY(mutex_){};
  std::uint64_t pit_deadline_ BH_GUARDED_BY(mutex_) = kNever;
};

}  // namespace bh::vmm::chip
