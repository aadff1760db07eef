#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "vmm/engine/exit.h"
#include "vmm/engine/registers.h"
#include "vmm/soft/cache/code_user.h"
#include "vmm/soft/mmu/tlb.h"
#include "vmm/soft/state/exception.h"
#include "vmm/soft/state/flags.h"
#include "vmm/soft/state/replay.h"
#include "vmm/soft/translate/crossing.h"

namespace bh::vmm::soft {

struct Machine;
struct Op;

/// Slots of Cpu::gpr beyond the sixteen registers, so that an address needs no branches.
inline constexpr std::uint8_t kZeroSlot = 16;  // Always zero: "no base", "no index".
inline constexpr std::uint8_t kRipSlot = 17;   // The RIP of the running block's first instruction.
/// Slot of Cpu::segment_base that is always zero.
inline constexpr std::uint8_t kZeroSegment = 6;

enum class CodeSize : std::uint8_t { Bits16, Bits32, Bits64 };

/// What a handler says of the instruction it was given.
enum class Flow : std::uint8_t {
  Next,   // Done; go on with the following instruction of the block.
  Leave,  // Done; Cpu::rip says where to go on. The block may be gone.
  Fault,  // Not done: Cpu::exception holds what to deliver, RIP stays at this instruction.
  Exit,   // Not done: Cpu::exit is to be answered, then the instruction starts again.
};

// CR0, CR4 and EFER bits (SDM vol. 3, 2.5; vol. 4 for EFER).
inline constexpr std::uint64_t kCr0Pe = 1u << 0;
inline constexpr std::uint64_t kCr0Mp = 1u << 1;
inline constexpr std::uint64_t kCr0Em = 1u << 2;
inline constexpr std::uint64_t kCr0Ts = 1u << 3;
inline constexpr std::uint64_t kCr0Et = 1u << 4;
inline constexpr std::uint64_t kCr0Ne = 1u << 5;
inline constexpr std::uint64_t kCr0Wp = 1u << 16;
inline constexpr std::uint64_t kCr0Am = 1u << 18;
inline constexpr std::uint64_t kCr0Nw = 1u << 29;
inline constexpr std::uint64_t kCr0Cd = 1u << 30;
inline constexpr std::uint64_t kCr0Pg = 1u << 31;
inline constexpr std::uint64_t kCr4Tsd = 1u << 2;
inline constexpr std::uint64_t kCr4De = 1u << 3;
inline constexpr std::uint64_t kCr4Pse = 1u << 4;
inline constexpr std::uint64_t kCr4Pae = 1u << 5;
inline constexpr std::uint64_t kCr4Mce = 1u << 6;
inline constexpr std::uint64_t kCr4Pge = 1u << 7;
inline constexpr std::uint64_t kCr4Osfxsr = 1u << 9;
inline constexpr std::uint64_t kCr4Osxmmexcpt = 1u << 10;
inline constexpr std::uint64_t kCr4Fsgsbase = 1u << 16;
inline constexpr std::uint64_t kCr4Osxsave = 1u << 18;
inline constexpr std::uint64_t kEferSce = 1u << 0;
inline constexpr std::uint64_t kEferLme = 1u << 8;
inline constexpr std::uint64_t kEferLma = 1u << 10;
inline constexpr std::uint64_t kEferNx = 1u << 11;

/// The state of one vCPU in the form its handlers and native stubs want. Owned by the vCPU's
/// thread, but for `attention` and `tlb_flush_wanted`, which any thread may set.
struct Cpu {
  // --- Read and written by native stubs, which know the offsets.
  std::array<std::uint64_t, 18> gpr{};
  ArithmeticFlags arithmetic;
  std::uint32_t mxcsr = 0x1f80;
  std::uint32_t host_mxcsr = 0x1f80;
  alignas(32) std::array<std::array<std::byte, 32>, 16> ymm{};
  /// x87 and MMX as FXSAVE64 lays them out. Its MXCSR field is always the default: stubs load
  /// this image into the host CPU. Its XMM area means nothing.
  alignas(16) std::array<std::byte, 512> fxsave{};

  // --- Where it is.
  std::uint64_t rip = 0;  // Up to date between blocks only; inside a block see next_rip().
  std::uint64_t system_flags = kFlagsReserved1;  // RFLAGS without the arithmetic six.
  std::uint8_t cpl = 0;
  CodeSize code_size = CodeSize::Bits16;
  /// Interrupts wait until one more instruction is done (STI, MOV SS, POP SS).
  bool interrupt_shadow = false;
  Activity activity = Activity::Running;
  bool nmi_blocked = false;
  bool interrupt_deferred = false;  // The chips have one, and IF is clear.
  bool nmi_deferred = false;        // Likewise, until the handler of the last one returns.

  // --- System registers. segment_base mirrors segments[].base; slot 6 is zero.
  std::array<std::uint64_t, 7> segment_base{};
  std::array<Segment, 6> segments{};
  Segment tr;
  Segment ldt;
  DescriptorTable gdt;
  DescriptorTable idt;
  std::uint64_t cr0 = kCr0Et;
  std::uint64_t cr2 = 0;
  std::uint64_t cr3 = 0;
  std::uint64_t cr4 = 0;
  std::uint64_t efer = 0;
  std::uint64_t xcr0 = 1;
  DebugRegisters debug;

  // --- MSRs with storage of their own (FS, GS and EFER live above).
  std::uint64_t star = 0;
  std::uint64_t lstar = 0;
  std::uint64_t cstar = 0;
  std::uint64_t syscall_mask = 0;
  std::uint64_t kernel_gs_base = 0;
  std::uint64_t sysenter_cs = 0;
  std::uint64_t sysenter_esp = 0;
  std::uint64_t sysenter_eip = 0;
  std::uint64_t pat = 0x0007040600070406;
  std::uint64_t tsc_aux = 0;
  std::uint64_t tsc_offset = 0;  // Guest TSC = host TSC + this.
  std::uint64_t tsc_adjust = 0;
  std::uint64_t misc_enable = 1;
  std::uint64_t kvmclock_wall = 0;
  std::uint64_t kvmclock_system = 0;

  // --- What the current instruction left for the loop.
  Exception exception;
  vmm::Exit exit;
  bool code_changed = false;  // A store hit a page with decoded code; finish() looks.
  Replay replay;

  /// The native stub that runs now: a host trap inside it is the guest's exception.
  int (*running_stub)(Cpu*, void*) = nullptr;

  unsigned index = 0;  // vCPU number and APIC id.
  Machine* machine = nullptr;

  /// Something outside the instruction stream wants this vCPU: interrupt, NMI, INIT, kick.
  std::atomic<int> attention{0};  // int: what a futex can wait on

  Mmu mmu;
  Crossing crossing;
  CodeUser code_user;

  /// What a native stub may change.
  struct NativeState {
    std::array<std::uint64_t, 18> gpr;
    ArithmeticFlags arithmetic;
    std::uint32_t mxcsr;
    std::array<std::array<std::byte, 32>, 16> ymm;
    std::array<std::byte, 512> fxsave;
  };
  NativeState native_state() const { return {gpr, arithmetic, mxcsr, ymm, fxsave}; }
  void set_native_state(NativeState const& state) {
    gpr = state.gpr;
    arithmetic = state.arithmetic;
    mxcsr = state.mxcsr;
    ymm = state.ymm;
    fxsave = state.fxsave;
  }

  // --- Small helpers everything uses.
  bool long_mode() const { return (efer & kEferLma) != 0; }
  bool protected_mode() const { return (cr0 & kCr0Pe) != 0; }
  bool paging() const { return (cr0 & kCr0Pg) != 0; }
  bool user_mode() const { return cpl == 3; }
  bool interrupts_enabled() const { return (system_flags & kFlagIf) != 0; }

  std::uint64_t rflags() const { return system_flags | arithmetic.rflags(); }
  void set_rflags(std::uint64_t value) {
    arithmetic = ArithmeticFlags::from_rflags(value);
    system_flags = (value & ~kFlagsArithmetic) | kFlagsReserved1;
  }

  /// RIP of the running instruction and of the one after it; only valid inside a handler.
  std::uint64_t this_rip(Op const& op) const;
  std::uint64_t next_rip(Op const& op) const;

  /// Ends the instruction with an exception: `return cpu.raise(kInvalidOpcode);`
  Flow raise(std::uint8_t vector) {
    exception = {.vector = vector};
    return Flow::Fault;
  }
  Flow raise(std::uint8_t vector, std::uint32_t error_code) {
    exception = {.vector = vector, .has_error_code = true, .error_code = error_code};
    return Flow::Fault;
  }
};

}  // namespace bh::vmm::soft
