#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "vmm/chip/chip_set.h"
#include "vmm/chip/testing/fake_clock.h"

namespace bh::vmm::chip::testing {

/// Counts what it is told. Any thread.
class CountingListener final : public ChipSet::Listener {
 public:
  void wake(unsigned vcpu) override { ++wakes[vcpu]; }
  void timers_changed() override { ++timer_changes; }

  std::array<std::atomic<unsigned>, kMaxVcpus> wakes{};
  std::atomic<unsigned> timer_changes = 0;
};

/// A ChipSet with time in the test's hand and a guest's way of reaching it.
struct ChipSetRig {
  explicit ChipSetRig(unsigned vcpu_count = 1) : chips(vcpu_count, clock, listener) {}

  void out(std::uint16_t port, std::uint8_t value) {
    std::array const data{std::byte{value}};
    chips.port_write(port, data);
  }
  std::uint8_t in(std::uint16_t port) {
    std::array<std::byte, 1> data{};
    chips.port_read(port, data);
    return std::to_integer<std::uint8_t>(data[0]);
  }

  void write_apic(unsigned vcpu, unsigned offset, std::uint32_t value) {
    write_mmio(vcpu, kLocalApicAddress + offset, value);
  }
  std::uint32_t read_apic(unsigned vcpu, unsigned offset) {
    return read_mmio(vcpu, kLocalApicAddress + offset);
  }
  void write_io_apic(std::uint8_t reg, std::uint32_t value) {
    write_mmio(0, kIoApicAddress, reg);
    write_mmio(0, kIoApicAddress + 0x10, value);
  }
  std::uint32_t read_io_apic(std::uint8_t reg) {
    write_mmio(0, kIoApicAddress, reg);
    return read_mmio(0, kIoApicAddress + 0x10);
  }
  /// Redirection entry of `pin`; the high half first, as kernels do.
  void route(unsigned pin, std::uint64_t entry) {
    auto const reg = static_cast<std::uint8_t>(0x10 + 2 * pin);
    write_io_apic(reg + 1, static_cast<std::uint32_t>(entry >> 32));
    write_io_apic(reg, static_cast<std::uint32_t>(entry));
  }

  /// Software-enables the APIC, as every kernel does first.
  void enable_apic(unsigned vcpu) { write_apic(vcpu, 0xf0, 0x1ff); }
  void end_interrupt(unsigned vcpu) { write_apic(vcpu, 0xb0, 0); }

  void write_mmio(unsigned vcpu, GuestAddress address, std::uint32_t value) {
    std::array<std::byte, 4> data{};
    store_little_endian(data, value);
    chips.mmio_write(vcpu, address, data);
  }
  std::uint32_t read_mmio(unsigned vcpu, GuestAddress address) {
    std::array<std::byte, 4> data{};
    chips.mmio_read(vcpu, address, data);
    return static_cast<std::uint32_t>(load_little_endian(data));
  }

  /// Lets time pass as the timer thread would: firing every deadline on the way.
  void pass(std::uint64_t nanoseconds) {
    auto const end = clock.now() + nanoseconds;
    for (auto next = chips.next_deadline(); next && *next <= end; next = chips.next_deadline()) {
      if (*next > clock.now()) clock.move_to(*next);
      chips.advance();
    }
    clock.move_to(end);
  }

  FakeClock clock;
  CountingListener listener;
  ChipSet chips;
};

}  // namespace bh::vmm::chip::testing
