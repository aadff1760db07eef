#include "vmm/soft/system/guest_clock.h"

#include <ctime>

#include "vmm/soft/state/machine.h"
#include "vmm/soft/system/handlers.h"

namespace bh::vmm::soft {

namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

// Layouts: Linux, arch/x86/include/asm/pvclock-abi.h.
struct SystemTime {
  std::uint32_t version;
  std::uint32_t padding0;
  std::uint64_t tsc_timestamp;
  std::uint64_t system_time;
  std::uint32_t multiplier;
  std::int8_t shift;
  std::uint8_t flags;
  std::uint8_t padding1[2];
};
static_assert(sizeof(SystemTime) == 32);

struct WallClock {
  std::uint32_t version;
  std::uint32_t seconds;
  std::uint32_t nanoseconds;
};

constexpr std::uint64_t kSystemTimeEnabled = 1;
constexpr std::uint8_t kTscStable = 1;

__extension__ using Uint128 = unsigned __int128;

std::uint64_t scaled(TscScale const& scale, std::uint64_t tsc) {
  std::uint64_t const shifted = scale.shift < 0 ? tsc >> -scale.shift : tsc << scale.shift;
  return static_cast<std::uint64_t>((Uint128{shifted} * scale.multiplier) >> 32);
}

/// The guest's clock now: what it computes itself from SystemTime.
std::uint64_t system_time(Cpu const& cpu) {
  return scaled(tsc_scale(cpu.machine->clock.tsc_khz()), guest_tsc(cpu) - cpu.tsc_adjust);
}

/// Writes a structure that starts with a version: odd while it changes (the guest then reads
/// again).
template <typename T>
void publish(Cpu& cpu, std::uint64_t address, T value) {
  auto& memory = cpu.machine->memory;
  auto const old = memory.read_object<std::uint32_t>({address});
  if (!old) return;
  value.version = (*old | 1) + 2;
  if (!memory.write_object(GuestAddress{address}, value)) return;
  std::uint32_t const done = value.version + 1;
  (void)memory.write_object(GuestAddress{address}, done);
}

void set_offset(Cpu& cpu, std::uint64_t offset) {
  cpu.tsc_offset = offset;
  if (cpu.machine->chips != nullptr) cpu.machine->chips->set_tsc_offset(cpu.index, offset);
}

Flow check_tsc_allowed(Cpu& cpu) {
  bool const denied = cpu.cpl != 0 && (cpu.cr4 & kCr4Tsd) != 0;
  return denied ? cpu.raise(kGeneralProtection, 0) : Flow::Next;
}

}  // namespace

std::uint64_t guest_tsc(Cpu const& cpu) {
  return cpu.machine->clock.tsc() + cpu.tsc_offset;
}

void write_tsc(Cpu& cpu, std::uint64_t value) {
  std::uint64_t const step = value - guest_tsc(cpu);
  write_tsc_adjust(cpu, cpu.tsc_adjust + step);
}

void write_tsc_adjust(Cpu& cpu, std::uint64_t value) {
  set_offset(cpu, cpu.tsc_offset + (value - cpu.tsc_adjust));
  cpu.tsc_adjust = value;
  write_system_time(cpu);  // kvmclock must not jump with the TSC.
}

void restore_tsc(Cpu& cpu, std::uint64_t value) {
  set_offset(cpu, value - cpu.machine->clock.tsc());
}

TscScale tsc_scale(std::uint64_t tsc_khz) {
  std::uint64_t const hz = tsc_khz * 1000;
  // The multiplier shall use all its 32 bits.
  TscScale scale;
  auto multiplier = (Uint128{kNanosecondsPerSecond} << 32) / hz;
  while (multiplier >> 32 != 0) {
    multiplier >>= 1;
    ++scale.shift;
  }
  while (multiplier != 0 && multiplier >> 31 == 0) {
    --scale.shift;
    multiplier = (Uint128{kNanosecondsPerSecond} << (32 - scale.shift)) / hz;
  }
  scale.multiplier = static_cast<std::uint32_t>(multiplier);
  return scale;
}

void write_system_time(Cpu& cpu) {
  if ((cpu.kvmclock_system & kSystemTimeEnabled) == 0) return;
  auto const scale = tsc_scale(cpu.machine->clock.tsc_khz());
  publish(cpu, cpu.kvmclock_system & ~kSystemTimeEnabled,
          SystemTime{.tsc_timestamp = cpu.tsc_adjust,
                     .multiplier = scale.multiplier,
                     .shift = scale.shift,
                     .flags = kTscStable});
}

void write_wall_clock(Cpu& cpu) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  // The guest adds its system time to this.
  std::uint64_t const wall = static_cast<std::uint64_t>(now.tv_sec) * kNanosecondsPerSecond +
                             static_cast<std::uint64_t>(now.tv_nsec) - system_time(cpu);
  publish(cpu, cpu.kvmclock_wall,
          WallClock{.seconds = static_cast<std::uint32_t>(wall / kNanosecondsPerSecond),
                    .nanoseconds = static_cast<std::uint32_t>(wall % kNanosecondsPerSecond)});
}

Flow rdtsc(Cpu& cpu, Op const& /*op*/) {
  if (auto const flow = check_tsc_allowed(cpu); flow != Flow::Next) return flow;
  std::uint64_t const tsc = guest_tsc(cpu);
  cpu.gpr[Rax] = static_cast<std::uint32_t>(tsc);
  cpu.gpr[Rdx] = tsc >> 32;
  return Flow::Next;
}

Flow rdtscp(Cpu& cpu, Op const& op) {
  if (auto const flow = rdtsc(cpu, op); flow != Flow::Next) return flow;
  cpu.gpr[Rcx] = static_cast<std::uint32_t>(cpu.tsc_aux);
  return Flow::Next;
}

}  // namespace bh::vmm::soft
