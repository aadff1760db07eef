#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "vmm/chip/interrupt_message.h"
#include "vmm/chip/ioapic.h"
#include "vmm/chip/local_apic.h"

namespace bh::vmm::chip {

/// One machine's APICs and the bus between them. Not thread-safe: the ChipSet locks.
class ApicRouter final : public ApicBus {
 public:
  /// `vcpu_count` is 1 to kMaxVcpus; `clock` must outlive this object.
  ApicRouter(unsigned vcpu_count, Clock const& clock);
  // The APICs hold references to it.
  ApicRouter(ApicRouter const&) = delete;
  ApicRouter& operator=(ApicRouter const&) = delete;

  bool deliver(InterruptMessage const& message) override;
  void end_of_interrupt(std::uint8_t vector) override { io_apic_.end_of_interrupt(vector); }

  IoApic& io_apic() { return io_apic_; }
  IoApic const& io_apic() const { return io_apic_; }
  LocalApic& local(unsigned vcpu) { return local_[vcpu]; }
  LocalApic const& local(unsigned vcpu) const { return local_[vcpu]; }
  unsigned size() const { return static_cast<unsigned>(local_.size()); }

  /// The vCPUs, one per bit, that were sent something since this was last asked.
  std::uint32_t take_reached() { return std::exchange(reached_, 0); }

 private:
  std::uint32_t targets_of(InterruptMessage const& message) const;
  std::uint32_t least_busy(std::uint32_t targets);

  IoApic io_apic_;
  std::vector<LocalApic> local_;
  std::uint32_t reached_ = 0;
  unsigned last_chosen_ = 0;  // For fairness of the lowest-priority mode.
};

}  // namespace bh::vmm::chip
