#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "vmm/engine/engine.h"
#include "vmm/kvm/kvm_watchdog.h"
#include "vmm/memory/guest_memory.h"

namespace bh::vmm::kvm {

/// A scratch VM that runs one piece of the probe's code after the other.
class ProbeMachine {
 public:
  static Result<std::unique_ptr<ProbeMachine>> create();

  enum class Ending : std::uint8_t { Reported, Exception, NoTime, Broken };
  struct Outcome {
    Ending ending = Ending::Broken;
    std::uint8_t byte = 0;             // ProbeResult, or the exception's vector.
    std::string words;                 // With Broken.
    std::chrono::nanoseconds time{0};  // Of CPU, from entry to report.
  };

  /// Runs from `entry` in 64-bit kernel mode, interrupts off, with RCX = `rcx`.
  Outcome run(GuestAddress entry, std::uint64_t rcx = 0);

 private:
  ProbeMachine(std::unique_ptr<GuestMemory> memory, std::unique_ptr<Engine> engine,
               std::unique_ptr<Vcpu> vcpu)
      : memory_(std::move(memory)),
        engine_(std::move(engine)),
        vcpu_(std::move(vcpu)),
        watchdog_(*vcpu_) {}

  std::unique_ptr<GuestMemory> memory_;  // Engine and vCPU refer to it.
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Vcpu> vcpu_;
  VcpuState start_;
  Watchdog watchdog_;
};

}  // namespace bh::vmm::kvm
