#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "vmm/engine/vcpu.h"
#include "vmm/soft/cache/block_cache.h"
#include "vmm/soft/compare/block_comparison.h"
#include "vmm/soft/state/cpu.h"
#include "vmm/soft/state/machine.h"
#include "vmm/soft/system/deliver.h"
#include "vmm/soft/translate/translator.h"

namespace bh::vmm::soft {

/// A vCPU that decodes and steps. One thread runs it; wake() and kick() are for all.
class SoftVcpu final : public Vcpu {
 public:
  static Result<std::unique_ptr<SoftVcpu>> create(Machine& machine, unsigned index);

  Exit run() override;
  void kick() override;
  Result<VcpuState> save() override;
  Result<> restore(VcpuState const& state) override;

  /// An interrupt, NMI, INIT or SIPI waits in the chips. Any thread; takes no lock.
  void wake();

  /// This vCPU's part of Engine::statistics().
  std::string statistics() const;

 private:
  SoftVcpu(Machine& machine, unsigned index, std::unique_ptr<BlockCache> blocks);
  Result<> start_translating();

  /// Sets all of `state`, up to the first part that is refused.
  Result<> apply(VcpuState const& state);

  /// What one round of the loop found.
  enum class Round { Continue, Exit };

  bool wants_attention() const;
  /// Kicks, start-up messages, NMIs, interrupts and sleeping. Exit: exit_ is set.
  Round attend();
  Round sleep();
  Round take_start_up();
  Round inject();
  Round run_block();
  Round run_translated();
  /// One instruction by itself: in an interrupt shadow, while single-stepping, after an exit.
  Round run_one();
  /// Delivers cpu_->exception, raised by `op` or by fetching.
  Round after_fault(Op const& op);
  Round after_fault();
  Round delivered(Delivery delivery);
  Round stop(Exit exit);
  /// Ends with Cpu::exit; the words of an error say where.
  Round stop_at_rip();

  Machine& machine_;
  std::unique_ptr<Cpu> cpu_;
  std::unique_ptr<BlockCache> blocks_;
  std::unique_ptr<Translator> translator_;       // Or nullptr,
  std::unique_ptr<BlockComparison> comparison_;  // and so is this.
  std::atomic<bool> kicked_ = false;
  Exit exit_;
};

}  // namespace bh::vmm::soft
