#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "os/unique_fd.h"
#include "vmm/engine/cpu_template.h"
#include "vmm/engine/registers.h"

namespace bh::vmm::kvm {

/// MSRs that are a vCPU's state and that VcpuState holds nowhere else, in the order in which they
/// must be written.
std::span<std::uint32_t const> state_msrs();

/// Those of state_msrs() that this vCPU has, once its CPUID is set. Writes each back.
std::vector<std::uint32_t> present_msrs(os::UniqueFd const& vcpu);

Result<std::vector<Msr>> read_msrs(os::UniqueFd const& vcpu,
                                   std::span<std::uint32_t const> indices);

/// Writes in the given order, and stops with an error that names the MSR at the first that KVM
/// refuses.
Result<> write_msrs(os::UniqueFd const& vcpu, std::span<Msr const> msrs);

/// Changes what this vCPU's MSRs hold.
Result<> change_msrs(os::UniqueFd const& vcpu, std::span<MsrChange const> changes);

/// `msrs` in the order of `allowed`. An MSR that is not in `allowed` or is there twice is an error.
Result<std::vector<Msr>> in_writing_order(std::span<Msr const> msrs,
                                          std::span<std::uint32_t const> allowed);

}  // namespace bh::vmm::kvm
