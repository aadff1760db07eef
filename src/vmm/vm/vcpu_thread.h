#pragma once

#include <memory>
#include <thread>

#include "vmm/bus/bus.h"
#include "vmm/engine/vcpu.h"
#include "vmm/vm/console_output.h"
#include "vmm/vm/pause_gate.h"
#include "vmm/vm/stop.h"

namespace bh::vmm {

/// What all vCPUs of a machine share. Outlives their threads.
struct VcpuWorld {
  Bus& ports;
  Bus& mmio;
  ConsoleOutput& console;
  StopSwitch& stop;
  PauseGate& gate;
};

/// Runs one vCPU on a thread of its own until the machine stops, and hands its exits to the buses.
///
/// Everything the guest does is taken as hostile: no exit can fail, only end the machine.
class VcpuThread {
 public:
  /// The thread starts at once.
  VcpuThread(unsigned index, std::unique_ptr<Vcpu> vcpu, VcpuWorld world);
  /// Stops and joins.
  ~VcpuThread();
  VcpuThread(VcpuThread const&) = delete;

  /// Asks the thread to end, at its next exit. Any thread.
  void request_stop();
  /// Makes the vCPU leave the guest and look at the gate. Any thread.
  void kick() { vcpu_->kick(); }

 private:
  void run(std::stop_token const& stop);

  unsigned const index_;
  std::unique_ptr<Vcpu> vcpu_;
  VcpuWorld world_;
  std::jthread thread_;
};

}  // namespace bh::vmm
