#include "vmm/chip/chip_set.h"

#include <algorithm>

namespace bh::vmm::chip {

namespace {

constexpr unsigned kCascadeGsi = 2;
constexpr unsigned kTimerPin = 2;

constexpr std::uint32_t bit(unsigned vcpu) {
  return 1U << vcpu;
}

bool in_page(GuestAddress address, GuestAddress page) {
  return address >= page && address < page + kPageSize;
}

}  // namespace

ChipSet::ChipSet(unsigned vcpu_count, Clock const& clock, Listener& listener)
    : clock_(clock), listener_(listener), router_(vcpu_count, clock) {
  apic_deadlines_.fill(kNever);
}

// Every method that changes something ends here, with the lock held.
void ChipSet::publish_locked() {
  bool const output = pic_.output();
  if (output != pic_output_) {
    pic_output_ = output;
    for (unsigned vcpu = 0; vcpu < router_.size(); ++vcpu) {
      if (output) router_.local(vcpu).pulse_lint0();
      touched_ |= bit(vcpu);
    }
  }
  touched_ |= router_.take_reached();
  for (unsigned vcpu = 0; vcpu < router_.size(); ++vcpu) {
    if ((touched_ & bit(vcpu)) != 0) publish_locked(vcpu);
  }
  touched_ = 0;
  if (std::exchange(pit_touched_, false)) {
    pit_deadline_ =
        pit_reaches_somebody_locked() ? pit_.next_edge(clock_.now()).value_or(kNever) : kNever;
    deadlines_touched_ = true;
  }
  if (std::exchange(deadlines_touched_, false)) publish_deadline_locked();
}

void ChipSet::publish_locked(unsigned vcpu) {
  auto& apic = router_.local(vcpu);
  auto const now = attention_of_locked(vcpu);
  auto const before = attention_[vcpu].exchange(now, std::memory_order_acq_rel);
  if ((now & ~before) != 0) listener_.wake(vcpu);
  if (apic.take_wiring_changed()) pit_touched_ = true;
  if (!apic.take_timer_changed()) return;
  apic_deadlines_[vcpu] = apic.timer_deadline().value_or(kNever);
  deadlines_touched_ = true;
}

void ChipSet::publish_deadline_locked() {
  std::uint64_t const next = std::min(pit_deadline_, *std::ranges::min_element(apic_deadlines_));
  if (next == next_deadline_.exchange(next, std::memory_order_acq_rel)) return;
  listener_.timers_changed();
}

std::uint8_t ChipSet::attention_of_locked(unsigned vcpu) const {
  auto const& apic = router_.local(vcpu);
  bool const interrupt = apic.has_interrupt() || (pic_output_ && apic.passes_external_interrupts());
  return static_cast<std::uint8_t>((interrupt ? kInterrupt : 0) | (apic.has_nmi() ? kNmi : 0) |
                                   (apic.has_start_up() ? kStartUp : 0));
}

void ChipSet::drive_locked(unsigned gsi, LineLevel level) {
  if (gsi == kCascadeGsi) return;
  pic_.set_line(gsi, level);
  router_.io_apic().set_line(gsi == 0 ? kTimerPin : gsi, level);
}

void ChipSet::set_line(unsigned gsi, LineLevel level) {
  MutexLock const lock(mutex_);
  drive_locked(gsi, level);
  publish_locked();
}

// The PIT's edges up to `now` have reached the inputs. To be called before the mask of an input
// changes: an edge on a masked input is not the same as one on an open input.
void ChipSet::run_pit_locked(std::uint64_t now) {
  if (!pit_.take_edges(now)) return;
  drive_locked(0, LineLevel::Low);
  drive_locked(0, LineLevel::High);
  drive_locked(0, LineLevel::Low);
  pit_touched_ = true;
}

bool ChipSet::pit_reaches_somebody_locked() const {
  if (router_.io_apic().unmasked(kTimerPin)) return true;
  if (!pic_.unmasked(0)) return false;
  for (unsigned vcpu = 0; vcpu < router_.size(); ++vcpu) {
    if (router_.local(vcpu).listens_to_pic()) return true;
  }
  return false;
}

std::optional<std::uint8_t> ChipSet::acknowledge(unsigned vcpu) {
  MutexLock const lock(mutex_);
  auto& apic = router_.local(vcpu);
  std::optional<std::uint8_t> vector;
  if (pic_output_ && apic.passes_external_interrupts()) {
    vector = pic_.acknowledge();
  } else {
    vector = apic.acknowledge();
  }
  touched_ |= bit(vcpu);
  publish_locked();
  return vector;
}

bool ChipSet::take_nmi(unsigned vcpu) {
  MutexLock const lock(mutex_);
  bool const taken = router_.local(vcpu).take_nmi();
  touched_ |= bit(vcpu);
  publish_locked();
  return taken;
}

std::optional<StartUp> ChipSet::take_start_up(unsigned vcpu) {
  MutexLock const lock(mutex_);
  auto const start_up = router_.local(vcpu).take_start_up();
  touched_ |= bit(vcpu);
  publish_locked();
  return start_up;
}

std::uint8_t ChipSet::task_priority(unsigned vcpu) const {
  MutexLock const lock(mutex_);
  return router_.local(vcpu).task_priority() >> 4;
}

void ChipSet::set_task_priority(unsigned vcpu, std::uint8_t value) {
  MutexLock const lock(mutex_);
  router_.local(vcpu).set_task_priority(static_cast<std::uint8_t>(value << 4));
  touched_ |= bit(vcpu);
  publish_locked();
}

bool ChipSet::owns_port(std::uint16_t port) {
  return Pic::owns_port(port) || Pit::owns_port(port);
}

void ChipSet::port_read(std::uint16_t port, std::span<std::byte> data) {
  MutexLock const lock(mutex_);
  auto const now = clock_.now();
  run_pit_locked(now);
  for (std::size_t i = 0; i < data.size(); ++i) {
    auto const current = static_cast<std::uint16_t>(port + i);
    std::uint8_t const value =
        Pit::owns_port(current) ? pit_.read(current, now) : pic_.read(current);
    data[i] = std::byte{value};
  }
  publish_locked();
}

void ChipSet::port_write(std::uint16_t port, std::span<std::byte const> data) {
  MutexLock const lock(mutex_);
  auto const now = clock_.now();
  run_pit_locked(now);
  for (std::size_t i = 0; i < data.size(); ++i) {
    auto const current = static_cast<std::uint16_t>(port + i);
    auto const value = std::to_integer<std::uint8_t>(data[i]);
    if (Pit::owns_port(current)) {
      pit_.write(current, value, now);
    } else {
      pic_.write(current, value);
    }
  }
  pit_touched_ = true;
  publish_locked();
}

bool ChipSet::owns_address(GuestAddress address) {
  return in_page(address, kIoApicAddress) || in_page(address, kLocalApicAddress);
}

void ChipSet::mmio_read(unsigned vcpu, GuestAddress address, std::span<std::byte> data) {
  MutexLock const lock(mutex_);
  std::uint64_t const offset = address.value % kPageSize;
  if (in_page(address, kIoApicAddress)) {
    router_.io_apic().read(offset, data);
    return;
  }
  router_.local(vcpu).read(offset, data);
  touched_ |= bit(vcpu);
  publish_locked();
}

void ChipSet::mmio_write(unsigned vcpu, GuestAddress address, std::span<std::byte const> data) {
  MutexLock const lock(mutex_);
  std::uint64_t const offset = address.value % kPageSize;
  if (in_page(address, kIoApicAddress)) {
    run_pit_locked(clock_.now());
    router_.io_apic().write(offset, data);
    pit_touched_ = true;
  } else {
    router_.local(vcpu).write(offset, data);
    touched_ |= bit(vcpu);
  }
  publish_locked();
}

bool ChipSet::owns_msr(std::uint32_t index) {
  return index == apic::kBaseMsr || index == apic::kTscDeadlineMsr ||
         (index >= apic::kFirstMsr && index <= apic::kLastMsr);
}

std::optional<std::uint64_t> ChipSet::msr_read(unsigned vcpu, std::uint32_t index) {
  MutexLock const lock(mutex_);
  auto const value = router_.local(vcpu).read_msr(index);
  touched_ |= bit(vcpu);
  publish_locked();
  return value;
}

bool ChipSet::msr_write(unsigned vcpu, std::uint32_t index, std::uint64_t value) {
  MutexLock const lock(mutex_);
  bool const legal = router_.local(vcpu).write_msr(index, value);
  touched_ |= bit(vcpu);
  publish_locked();
  return legal;
}

void ChipSet::set_tsc_offset(unsigned vcpu, std::uint64_t offset) {
  MutexLock const lock(mutex_);
  router_.local(vcpu).set_tsc_offset(offset);
  touched_ |= bit(vcpu);
  publish_locked();
}

std::optional<std::uint64_t> ChipSet::next_deadline() const {
  auto const next = next_deadline_.load(std::memory_order_acquire);
  return next == kNever ? std::nullopt : std::optional(next);
}

void ChipSet::advance() {
  MutexLock const lock(mutex_);
  auto const now = clock_.now();
  for (unsigned vcpu = 0; vcpu < router_.size(); ++vcpu) {
    if (apic_deadlines_[vcpu] > now) continue;
    router_.local(vcpu).run_timer();
    // The TSC may not be there yet: then the deadline is worked out anew.
    apic_deadlines_[vcpu] = router_.local(vcpu).timer_deadline().value_or(kNever);
    deadlines_touched_ = true;
    touched_ |= bit(vcpu);
  }
  if (pit_deadline_ <= now) {
    run_pit_locked(now);
    pit_touched_ = true;
  }
  publish_locked();
}

ChipSetState ChipSet::save() const {
  MutexLock const lock(mutex_);
  ChipSetState state{
      .pic = pic_.save(),
      .io_apic = router_.io_apic().save(),
      .pit = pit_.save(clock_.now()),
  };
  for (unsigned vcpu = 0; vcpu < router_.size(); ++vcpu) {
    state.local_apics.push_back(router_.local(vcpu).save());
  }
  return state;
}

Result<> ChipSet::restore(ChipSetState const& state) {
  MutexLock const lock(mutex_);
  if (state.local_apics.size() != router_.size()) {
    return fail(Errc::Corrupt, "saved interrupt chips are for another number of vCPUs");
  }
  for (unsigned vcpu = 0; vcpu < router_.size(); ++vcpu) {
    BH_TRY(router_.local(vcpu).check(state.local_apics[vcpu]));
  }
  BH_TRY(IoApic::check(state.io_apic));
  BH_TRY(Pit::check(state.pit));
  BH_TRY(Pic::check(state.pic));
  // From here on nothing fails.
  BH_TRY(pic_.restore(state.pic));
  BH_TRY(router_.io_apic().restore(state.io_apic));
  BH_TRY(pit_.restore(state.pit, clock_.now()));
  for (unsigned vcpu = 0; vcpu < router_.size(); ++vcpu) {
    BH_TRY(router_.local(vcpu).restore(state.local_apics[vcpu]));
    touched_ |= bit(vcpu);
  }
  // The output's level is part of the state, not an edge.
  pic_output_ = pic_.output();
  pit_touched_ = true;
  publish_locked();
  return {};
}

}  // namespace bh::vmm::chip
