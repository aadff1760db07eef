#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/error.h"
#include "tests/isa/executor.h"
#include "vmm/engine/engine.h"
#include "vmm/engine/vcpu.h"
#include "vmm/memory/guest_memory.h"

namespace bh::isa {

/// Any engine of the VMM, executing each case in the user mode of a small guest.
class GuestExecutor final : public Executor {
 public:
  using MakeEngine =
      std::function<Result<std::unique_ptr<vmm::Engine>>(vmm::GuestMemory&, vmm::EngineOptions)>;

  static Result<std::unique_ptr<GuestExecutor>> create(MakeEngine const& make_engine);

  std::string_view name() const override { return engine_->name(); }
  std::span<Outcome const> run(std::span<CaseInput const> cases) override;
  std::string last_words(std::size_t index) const override { return last_words_[index]; }

  /// False: the engine refused XCR0 = 7, and VEX code raises #UD.
  bool has_avx() const { return has_avx_; }

  /// What the guest's CPUID says: eax, ebx, ecx, edx.
  std::array<std::uint32_t, 4> cpuid(std::uint32_t leaf, std::uint32_t subleaf);

 private:
  GuestExecutor(std::unique_ptr<vmm::GuestMemory> memory, std::unique_ptr<vmm::Engine> engine,
                std::unique_ptr<vmm::Vcpu> vcpu)
      : memory_(std::move(memory)), engine_(std::move(engine)), vcpu_(std::move(vcpu)) {}

  Result<> prepare();
  void watch(std::stop_token stop);
  Result<> run_case(CaseInput const& input, Outcome& outcome);
  Result<> load(CaseInput const& input);
  Result<> take(std::uint8_t vector, Outcome& outcome);
  Result<> put_code(Code const& code);
  Result<> write_code(std::uint64_t rip, std::span<std::byte const> bytes);

  std::unique_ptr<vmm::GuestMemory> memory_;
  std::unique_ptr<vmm::Engine> engine_;
  std::unique_ptr<vmm::Vcpu> vcpu_;
  vmm::VcpuState start_;
  bool has_avx_ = false;
  Code last_code_{.rip = kCodeStart};
  std::vector<Outcome> outcomes_{kMaxBatch};
  std::vector<std::string> last_words_{kMaxBatch};
  std::atomic<std::uint64_t> case_count_{0};
  std::jthread watchdog_;  // Last: uses the members above.
};

}  // namespace bh::isa
