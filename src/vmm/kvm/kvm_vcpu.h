#pragma once

#include <linux/kvm.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "os/mapped_region.h"
#include "os/unique_fd.h"
#include "vmm/engine/cpu_template.h"
#include "vmm/engine/vcpu.h"
#include "vmm/kvm/kvm_exit.h"
#include "vmm/kvm/kvm_kick.h"
#include "vmm/kvm/kvm_state.h"
#include "vmm/memory/guest_memory.h"

namespace bh::vmm::kvm {

/// One vCPU of KVM. `vm` and `memory` outlive it.
class KvmVcpu final : public Vcpu {
 public:
  static Result<std::unique_ptr<KvmVcpu>> create(os::UniqueFd const& vm, GuestMemory const& memory,
                                                 unsigned index, std::size_t run_area_size,
                                                 std::vector<kvm_cpuid_entry2> const& cpuid,
                                                 std::span<MsrChange const> msr_changes);

  Exit run() override;
  void kick() override { kick_.request(); }
  /// Errc::Busy while an event is being delivered or an access is half done: run() until
  /// Interrupted, and try again.
  Result<VcpuState> save() override;
  Result<> restore(VcpuState const& state) override;

 private:
  KvmVcpu(os::UniqueFd fd, os::MappedRegion run_area, GuestMemory const& memory);

  kvm_run& run_page() { return *reinterpret_cast<kvm_run*>(run_area_.data()); }
  Exit translate();
  InternalError failure(std::string words);
  std::string instruction_words(std::uint64_t linear_rip);
  Result<> finish_access();

  os::UniqueFd fd_;
  os::MappedRegion run_area_;
  GuestMemory const& memory_;
  std::vector<std::uint32_t> msrs_;  // Those this vCPU has.
  Kick kick_;
  PortPieces port_pieces_;
  bool access_open_ = false;  // The last exit was an access that KVM finishes at the next entry.
  bool exit_waits_ = false;   // finish_access() met an exit that run() has not told yet.
};

}  // namespace bh::vmm::kvm
