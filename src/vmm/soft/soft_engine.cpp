#include "vmm/soft/soft_engine.h"

#include <array>
#include <atomic>
#include <optional>
#include <string>

#include "vmm/chip/host_clock.h"
#include "vmm/chip/timer_thread.h"
#include "vmm/soft/soft_vcpu.h"
#include "vmm/soft/store/code_store.h"
#include "vmm/soft/translate/perf_map.h"

namespace bh::vmm::soft {

namespace {

class SoftEngine;

/// Hands a vCPU out while the engine keeps the means to wake it.
class OwnedVcpu final : public Vcpu {
 public:
  OwnedVcpu(SoftEngine& engine, std::unique_ptr<SoftVcpu> vcpu, unsigned index)
      : engine_(engine), vcpu_(std::move(vcpu)), index_(index) {}
  ~OwnedVcpu() override;

  Exit run() override { return vcpu_->run(); }
  void kick() override { vcpu_->kick(); }
  Result<VcpuState> save() override { return vcpu_->save(); }
  Result<> restore(VcpuState const& state) override { return vcpu_->restore(state); }

 private:
  SoftEngine& engine_;
  std::unique_ptr<SoftVcpu> vcpu_;
  unsigned index_;
};

class SoftEngine final : public Engine, private chip::ChipSet::Listener {
 public:
  SoftEngine(GuestMemory& memory, EngineOptions const& options, CodePages code_pages,
             std::unique_ptr<CodeStore> store, std::unique_ptr<PerfMap> perf_map)
      : store_(std::move(store)),
        perf_map_(std::move(perf_map)),
        code_pages_(std::move(code_pages)),
        machine_{memory,
                 code_pages_,
                 nullptr,
                 clock_,
                 options.vcpu_count,
                 options.translate,
                 options.statistics,
                 store_.get(),
                 perf_map_.get(),
                 true,
                 options.cpu_template} {
    memory.set_write_hook(&code_pages_);
    if (options.chips == InterruptChips::Present) {
      chips_.emplace(options.vcpu_count, clock_, static_cast<chip::ChipSet::Listener&>(*this));
      machine_.chips = &*chips_;
      timers_.emplace(*chips_, clock_);
    }
  }
  ~SoftEngine() override {
    timers_.reset();
    machine_.memory.set_write_hook(nullptr);
  }

  std::string_view name() const override { return "soft"; }

  Result<std::unique_ptr<Vcpu>> create_vcpu(unsigned index) override {
    if (index >= machine_.vcpu_count || vcpus_[index].load() != nullptr) {
      return fail(Errc::Invalid, "create vcpu " + std::to_string(index) +
                                     ": beyond the machine's count, or created already");
    }
    auto vcpu = BH_TRY(SoftVcpu::create(machine_, index));
    vcpus_[index].store(vcpu.get());
    return std::make_unique<OwnedVcpu>(*this, std::move(vcpu), index);
  }

  Result<> set_irq_line(unsigned gsi, LineLevel level) override {
    if (!chips_) return fail(Errc::Unsupported, "set irq line: the engine has no interrupt chips");
    if (gsi >= kIoApicPins) {
      return fail(Errc::Invalid, "set irq line: no GSI " + std::to_string(gsi));
    }
    chips_->set_line(gsi, level);
    return {};
  }

  std::string statistics() const override { return statistics_; }

  Result<> save_code() override { return store_ ? store_->save() : Result<>(); }

  void forget_vcpu(unsigned index, std::string statistics) {
    vcpus_[index].store(nullptr);
    statistics_ += statistics;
  }

 private:
  void wake(unsigned vcpu) override {
    if (auto* const target = vcpus_[vcpu].load()) target->wake();
  }
  void timers_changed() override {
    if (timers_) timers_->timers_changed();
  }

  std::string statistics_;
  std::unique_ptr<CodeStore> store_;   // Or nullptr,
  std::unique_ptr<PerfMap> perf_map_;  // and so is this.
  chip::HostClock clock_;
  CodePages code_pages_;
  Machine machine_;
  std::array<std::atomic<SoftVcpu*>, kMaxVcpus> vcpus_{};
  std::optional<chip::ChipSet> chips_;
  std::optional<chip::TimerThread> timers_;
};

OwnedVcpu::~OwnedVcpu() {
  engine_.forget_vcpu(index_, vcpu_->statistics());
}

}  // namespace

Result<std::unique_ptr<Engine>> create_soft_engine(GuestMemory& memory, EngineOptions options) {
  if (options.vcpu_count == 0 || options.vcpu_count > kMaxVcpus) {
    return fail(Errc::Invalid, "soft engine: vcpu count must be 1 to " + std::to_string(kMaxVcpus));
  }
  if (options.translate == Translate::Compare && options.vcpu_count != 1) {
    return fail(Errc::Invalid,
                "soft engine: --translate compare takes back what one vcpu stored, which others "
                "would see (give the machine 1 vcpu)");
  }
  auto code_pages = CodePages::create(memory);
  if (!code_pages) return std::unexpected(std::move(code_pages).error().while_doing("soft engine"));
  std::unique_ptr<CodeStore> store;
  if (!options.code_cache.empty() && options.translate == Translate::On) {
    store = BH_TRY(CodeStore::open(options.code_cache));
  }
  std::unique_ptr<PerfMap> perf_map;
  if (options.perf_map) perf_map = BH_TRY(PerfMap::create());
  return std::make_unique<SoftEngine>(memory, options, *std::move(code_pages), std::move(store),
                                      std::move(perf_map));
}

}  // namespace bh::vmm::soft
