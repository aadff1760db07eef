#include "vmm/chip/apic_router.h"

#include <optional>

namespace bh::vmm::chip {

ApicRouter::ApicRouter(unsigned vcpu_count, Clock const& clock) : io_apic_(*this) {
  local_.reserve(vcpu_count);
  for (unsigned id = 0; id < vcpu_count; ++id) local_.emplace_back(id, clock, *this);
  last_chosen_ = vcpu_count - 1;
}

std::uint32_t ApicRouter::targets_of(InterruptMessage const& message) const {
  std::uint32_t targets = 0;
  for (unsigned id = 0; id < size(); ++id) {
    bool const is_sender = id == message.sender;
    bool addressed = false;
    switch (message.shorthand) {
      case Shorthand::None: addressed = local_[id].matches(message); break;
      case Shorthand::Self: addressed = is_sender; break;
      case Shorthand::All: addressed = true; break;
      case Shorthand::Others: addressed = !is_sender; break;
    }
    if (addressed) targets |= 1U << id;
  }
  return targets;
}

std::uint32_t ApicRouter::least_busy(std::uint32_t targets) {
  std::optional<unsigned> best;
  for (unsigned step = 1; step <= size(); ++step) {
    unsigned const id = (last_chosen_ + step) % size();
    if (((targets >> id) & 1) == 0 || !local_[id].accepts_lowest_priority()) continue;
    if (!best || local_[id].arbitration_priority() < local_[*best].arbitration_priority()) {
      best = id;
    }
  }
  if (!best) return 0;
  last_chosen_ = *best;
  return 1U << *best;
}

bool ApicRouter::deliver(InterruptMessage const& message) {
  auto targets = targets_of(message);
  if (message.delivery == DeliveryMode::LowestPriority) targets = least_busy(targets);
  bool taken = false;
  for (unsigned id = 0; id < size(); ++id) {
    if (((targets >> id) & 1) != 0 && local_[id].accept(message)) taken = true;
  }
  reached_ |= targets;
  return taken;
}

}  // namespace bh::vmm::chip
