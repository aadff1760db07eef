#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "vmm/engine/cpu_template.h"
#include "vmm/engine/vcpu.h"
#include "vmm/memory/guest_memory.h"

namespace bh::vmm {

enum class LineLevel : std::uint8_t { Low, High };

/// PIC, IOAPIC, LAPICs and PIT, inside the engine (in the kernel with KVM). None: bare CPU tests.
enum class InterruptChips : std::uint8_t { None, Present };

/// Whether the soft engine translates code, or steps through every instruction. Exact: like On,
/// with flags right at each fault even where nothing can read them; slower. Compare: both, block by
/// block, and stops where they differ; one vCPU.
enum class Translate : std::uint8_t { Off, On, Exact, Compare };

struct EngineOptions {
  unsigned vcpu_count = 1;  // 1 to kMaxVcpus
  InterruptChips chips = InterruptChips::Present;
  Translate translate = Translate::On;  // Of no meaning to KVM.
  bool statistics = false;              // Count what statistics() tells.
  bool perf_map = false;                // Write /tmp/perf-PID.map for perf(1).
  CpuTemplate cpu_template;             // What the CPU is beyond what the engine would have it be.
  std::string code_cache;               // File of translated code from earlier runs; empty: none.
};

inline constexpr unsigned kMaxVcpus = 32;

/// Physical addresses of the interrupt chips on every PC.
inline constexpr GuestAddress kIoApicAddress{0xfec0'0000};
inline constexpr GuestAddress kLocalApicAddress{0xfee0'0000};
inline constexpr unsigned kIoApicPins = 24;

/// What executes guest code: KVM or the CPU in software. Outlives its vCPUs; `memory` outlives it.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual std::string_view name() const = 0;

  /// vCPU `index` of options.vcpu_count, which is also its APIC id. Index 0 starts at the reset
  /// state (the builder then restores the boot state); the others wait for INIT and SIPI.
  virtual Result<std::unique_ptr<Vcpu>> create_vcpu(unsigned index) = 0;

  /// Drives an interrupt line: GSI 0-15 reach PIC and IOAPIC, 16-23 the IOAPIC. Any thread.
  virtual Result<> set_irq_line(unsigned gsi, LineLevel level) = 0;

  /// Has each signal of `event` be an edge on the line, without a call of ours. Errc::Unsupported
  /// where a call costs no more. `event` stays open as long as the engine is there.
  virtual Result<> signal_line_by(unsigned gsi, int event) {
    static_cast<void>(gsi), static_cast<void>(event);
    return fail(Errc::Unsupported, "events for interrupt lines: not supported by this engine");
  }

  /// Has KVM signal `event` when the guest writes these 32 bits to `address`, instead of an exit to
  /// us. Errc::Unsupported where an exit costs no more. `event` stays open as long as the engine is
  /// there.
  virtual Result<> signal_on_write(GuestAddress address, std::uint32_t value, int event) {
    static_cast<void>(address), static_cast<void>(value), static_cast<void>(event);
    return fail(Errc::Unsupported, "events for writes: not supported by this engine");
  }

  /// In lines for people, of the vCPUs that are gone: where time went, if that was asked for, and
  /// how translated and stepped code differed, if they did.
  virtual std::string statistics() const { return {}; }

  /// Writes EngineOptions::code_cache, if there is one and enough that is new. No vCPU may run.
  virtual Result<> save_code() { return {}; }
};

}  // namespace bh::vmm
