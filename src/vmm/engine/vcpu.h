#pragma once

#include "base/error.h"
#include "vmm/engine/exit.h"
#include "vmm/engine/registers.h"

namespace bh::vmm {

/// One virtual CPU. All methods but kick() belong to the thread that runs it.
class Vcpu {
 public:
  virtual ~Vcpu() = default;

  /// Runs guest code until something happens that the engine does not handle itself.
  virtual Exit run() = 0;

  /// Makes run() return Interrupted soon, also if it is about to start. Any thread.
  virtual void kick() = 0;

  /// The whole architectural state, between two calls of run().
  virtual Result<VcpuState> save() = 0;
  /// Checks `state` as hostile input; on an error the vCPU keeps its old state.
  virtual Result<> restore(VcpuState const& state) = 0;
};

}  // namespace bh::vmm
