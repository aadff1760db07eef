#pragma once

#include <linux/kvm.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::vmm::kvm {

/// The open /dev/kvm, known to have every extension the engine needs.
class System {
 public:
  static Result<System> open();

  Result<os::UniqueFd> create_vm() const;

  /// What KVM can offer a guest on this host.
  Result<std::vector<kvm_cpuid_entry2>> supported_cpuid() const;

  /// Bytes of the area a vCPU shares with KVM.
  std::size_t run_area_size() const { return run_area_size_; }
  /// vCPUs KVM accepts in one VM.
  unsigned max_vcpus() const { return max_vcpus_; }
  /// Whether `extension` (KVM_CAP_...) is there.
  bool has(unsigned extension) const;

 private:
  explicit System(os::UniqueFd fd) : fd_(std::move(fd)) {}

  os::UniqueFd fd_;
  std::size_t run_area_size_ = 0;
  unsigned max_vcpus_ = 0;
};

}  // namespace bh::vmm::kvm
