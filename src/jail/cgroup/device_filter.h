#pragma once

#include <span>
#include <vector>

#include "base/error.h"
#include "jail/cgroup/resources.h"

struct bpf_insn;

namespace bh::jail {

/// The device rules as a program of type BPF_PROG_TYPE_CGROUP_DEVICE: the last rule that covers an
/// access decides, and what no rule covers is refused.
std::vector<bpf_insn> device_program(std::span<DeviceRule const> rules);

/// Attaches it to the cgroup v2 folder `cgroup`.
Result<> attach_device_filter(int cgroup, std::span<DeviceRule const> rules);

}  // namespace bh::jail
