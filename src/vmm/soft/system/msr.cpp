#include "vmm/soft/system/msr.h"

#include <algorithm>
#include <array>

#include "vmm/soft/decode/op.h"
#include "vmm/soft/mmu/walk.h"
#include "vmm/soft/state/machine.h"
#include "vmm/soft/system/guest_clock.h"
#include "vmm/soft/system/handlers.h"

namespace bh::vmm::soft {

namespace {

enum : std::uint32_t {
  kTsc = 0x10,
  kKvmWallClockOld = 0x11,
  kKvmSystemTimeOld = 0x12,
  kPlatformId = 0x17,
  kTscAdjust = 0x3b,
  kMicrocodeRevision = 0x8b,
  kSysenterCs = 0x174,
  kSysenterEsp = 0x175,
  kSysenterEip = 0x176,
  kMiscEnable = 0x1a0,
  kDebugControl = 0x1d9,
  kPat = 0x277,
  kKvmWallClock = 0x4b56'4d00,
  kKvmSystemTime = 0x4b56'4d01,
  kEfer = 0xc000'0080,
  kStar = 0xc000'0081,
  kLstar = 0xc000'0082,
  kCstar = 0xc000'0083,
  kSyscallMask = 0xc000'0084,
  kFsBase = 0xc000'0100,
  kGsBase = 0xc000'0101,
  kKernelGsBase = 0xc000'0102,
  kTscAux = 0xc000'0103,
};

enum class Check : std::uint8_t { Any, Bits32, Canonical, Pat };

/// MSRs that are no more than a value.
struct Stored {
  std::uint32_t index;
  std::uint64_t Cpu::* field;
  Check check;
};
constexpr Stored kStored[] = {
    {kSysenterCs, &Cpu::sysenter_cs, Check::Any},
    {kSysenterEsp, &Cpu::sysenter_esp, Check::Canonical},
    {kSysenterEip, &Cpu::sysenter_eip, Check::Canonical},
    {kMiscEnable, &Cpu::misc_enable, Check::Any},
    {kPat, &Cpu::pat, Check::Pat},
    {kStar, &Cpu::star, Check::Any},
    {kLstar, &Cpu::lstar, Check::Canonical},
    {kCstar, &Cpu::cstar, Check::Canonical},
    {kSyscallMask, &Cpu::syscall_mask, Check::Bits32},
    {kKernelGsBase, &Cpu::kernel_gs_base, Check::Canonical},
    {kTscAux, &Cpu::tsc_aux, Check::Bits32},
};

/// Old kernels ask for these without a safety net. Writes are ignored.
constexpr std::array kReadAsZero{kPlatformId, kMicrocodeRevision, kDebugControl};

// TSC after TSC_ADJUST and before kvmclock, whose page holds TSC_ADJUST.
constexpr std::array<std::uint32_t, 15> kSaved{
    kSysenterCs, kSysenterEsp, kSysenterEip, kMiscEnable,   kPat,
    kStar,       kLstar,       kCstar,       kSyscallMask,  kKernelGsBase,
    kTscAux,     kTscAdjust,   kTsc,         kKvmWallClock, kKvmSystemTime};

bool valid_pat(std::uint64_t value) {
  for (unsigned shift = 0; shift < 64; shift += 8) {
    std::uint64_t const type = value >> shift & 0xff;
    if (type > 7 || type == 2 || type == 3) return false;
  }
  return true;
}

bool valid(Check check, std::uint64_t value) {
  switch (check) {
    case Check::Any: return true;
    case Check::Bits32: return (value >> 32) == 0;
    case Check::Canonical: return is_canonical(value);
    case Check::Pat: return valid_pat(value);
  }
  return false;
}

Stored const* find_stored(std::uint32_t index) {
  auto const* const found = std::ranges::find(kStored, index, &Stored::index);
  return found == std::end(kStored) ? nullptr : found;
}

bool write_efer(Cpu& cpu, std::uint64_t value) {
  constexpr std::uint64_t kWritable = kEferSce | kEferLme | kEferNx;
  if ((value & ~(kWritable | kEferLma)) != 0) return false;
  if (((value ^ cpu.efer) & kEferLme) != 0 && cpu.paging()) return false;
  bool const nx_changed = ((value ^ cpu.efer) & kEferNx) != 0;
  cpu.efer = (value & kWritable) | (cpu.efer & kEferLma);
  if (nx_changed) cpu.mmu.forget_all();
  return true;
}

bool write_base(Cpu& cpu, SegmentIndex segment, std::uint64_t value) {
  if (!is_canonical(value)) return false;
  cpu.segments[segment].base = value;
  cpu.segment_base[segment] = value;
  return true;
}

bool owned_by_chips(Cpu const& cpu, std::uint32_t index) {
  return cpu.machine->chips != nullptr && chip::ChipSet::owns_msr(index);
}

}  // namespace

bool read_msr(Cpu& cpu, std::uint32_t index, std::uint64_t& value) {
  if (owned_by_chips(cpu, index)) {
    auto const answer = cpu.machine->chips->msr_read(cpu.index, index);
    if (answer) value = *answer;
    return answer.has_value();
  }
  if (auto const* const stored = find_stored(index)) {
    value = cpu.*stored->field;
    return true;
  }
  switch (index) {
    case kTsc: value = guest_tsc(cpu); return true;
    case kTscAdjust: value = cpu.tsc_adjust; return true;
    case kKvmWallClock:
    case kKvmWallClockOld: value = cpu.kvmclock_wall; return true;
    case kKvmSystemTime:
    case kKvmSystemTimeOld: value = cpu.kvmclock_system; return true;
    case kEfer: value = cpu.efer; return true;
    case kFsBase: value = cpu.segment_base[Fs]; return true;
    case kGsBase: value = cpu.segment_base[Gs]; return true;
    default: break;
  }
  value = 0;
  return std::ranges::find(kReadAsZero, index) != kReadAsZero.end();
}

bool write_msr(Cpu& cpu, std::uint32_t index, std::uint64_t value) {
  if (owned_by_chips(cpu, index)) return cpu.machine->chips->msr_write(cpu.index, index, value);
  if (auto const* const stored = find_stored(index)) {
    if (!valid(stored->check, value)) return false;
    cpu.*stored->field = value;
    return true;
  }
  switch (index) {
    case kTsc: write_tsc(cpu, value); return true;
    case kTscAdjust: write_tsc_adjust(cpu, value); return true;
    case kKvmWallClock:
    case kKvmWallClockOld:
      cpu.kvmclock_wall = value;
      write_wall_clock(cpu);
      return true;
    case kKvmSystemTime:
    case kKvmSystemTimeOld:
      cpu.kvmclock_system = value;
      write_system_time(cpu);
      return true;
    case kEfer: return write_efer(cpu, value);
    case kFsBase: return write_base(cpu, Fs, value);
    case kGsBase: return write_base(cpu, Gs, value);
    default: return std::ranges::find(kReadAsZero, index) != kReadAsZero.end();
  }
}

std::span<std::uint32_t const> saved_msrs() {
  return kSaved;
}

bool restore_msr(Cpu& cpu, std::uint32_t index, std::uint64_t value) {
  switch (index) {
    case kTsc: restore_tsc(cpu, value); return true;
    case kTscAdjust: cpu.tsc_adjust = value; return true;
    case kKvmWallClock: cpu.kvmclock_wall = value; return true;  // The time of boot, long written.
    default: return write_msr(cpu, index, value);
  }
}

Flow rdmsr(Cpu& cpu, Op const& /*op*/) {
  std::uint64_t value = 0;
  if (cpu.cpl != 0 || !read_msr(cpu, static_cast<std::uint32_t>(cpu.gpr[Rcx]), value)) {
    return cpu.raise(kGeneralProtection, 0);
  }
  cpu.gpr[Rax] = static_cast<std::uint32_t>(value);
  cpu.gpr[Rdx] = value >> 32;
  return Flow::Next;
}

Flow wrmsr(Cpu& cpu, Op const& op) {
  auto const index = static_cast<std::uint32_t>(cpu.gpr[Rcx]);
  std::uint64_t const value = cpu.gpr[Rdx] << 32 | static_cast<std::uint32_t>(cpu.gpr[Rax]);
  if (cpu.cpl != 0 || !write_msr(cpu, index, value)) return cpu.raise(kGeneralProtection, 0);
  // These change how code runs, or whether an interrupt waits.
  if (index != kEfer && !owned_by_chips(cpu, index)) return Flow::Next;
  cpu.rip = cpu.next_rip(op);
  return Flow::Leave;
}

Flow rdpmc(Cpu& cpu, Op const& /*op*/) {
  return cpu.raise(kGeneralProtection, 0);
}  // No counters.

}  // namespace bh::vmm::soft
