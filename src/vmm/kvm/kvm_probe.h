#pragma once

#include <string>
#include <vector>

namespace bh::vmm::kvm {

/// One thing probe_kvm() tried.
struct ProbeStep {
  std::string name;
  bool ok = false;
  std::string detail;  // What was measured, or why it failed.
};

struct ProbeReport {
  bool usable = false;  // An ordinary kernel can be expected to run at hardware speed.
  std::vector<ProbeStep> steps;
  std::string verdict;  // One sentence for a person, without a full stop.
};

/// Measures whether /dev/kvm can run an ordinary kernel, by running kernel-mode code in a scratch
/// VM: CPU flags and the existence of the device say nothing about that on a host that is itself
/// virtual. Takes some 10 ms, and at most about a second when guests hang. Starts and ends a
/// thread.
ProbeReport probe_kvm();

}  // namespace bh::vmm::kvm
