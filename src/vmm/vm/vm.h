#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "vmm/api/config.h"
#include "vmm/engine/engine.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/vm/console_output.h"
#include "vmm/vm/devices.h"
#include "vmm/vm/engine_choice.h"
#include "vmm/vm/logger.h"
#include "vmm/vm/platform.h"
#include "vmm/vm/signals.h"
#include "vmm/vm/stop.h"
#include "vmm/vm/vcpu_thread.h"

namespace bh::vmm {

/// How to run a machine, beside what it is made of.
struct VmOptions {
  EngineKind engine = EngineKind::Soft;  // Not Auto: see choose_engine().
  Translate translate = Translate::On;   // Of the soft engine.
  bool statistics = false;               // Count where the engine's time goes.
  BootTimer::Clock boot_clock;           // Empty: no boot timer.
  int console_input = 0;                 // File descriptors that outlive the machine.
  int console_output = 1;
};

/// A machine with its memory, engine, devices and threads.
class Vm {
 public:
  /// Makes the machine and loads its kernel; nothing runs yet. `logger` outlives it.
  static Result<std::unique_ptr<Vm>> create(VmConfig const& config, VmOptions options,
                                            Logger& logger);

  /// Runs the machine on threads of its own and its console on the calling thread, until the
  /// guest, the person at the console or a signal ends it and its output is written. Once.
  Result<StopReason> run(TerminationSignals const& signals);

  /// After run(): where the engine's time went, if options asked to count.
  std::string statistics() const { return engine_->statistics(); }

 private:
  Vm(GuestMemory memory, StopSwitch stop, os::UniqueFd input_room, int console_input,
     int console_output, Logger& logger);

  Result<> boot(VmConfig const& config);
  Result<> start_and_wait(TerminationSignals const& signals);
  void flush_console(TerminationSignals const& signals);

  // In the order they need each other.
  Logger& logger_;
  int const input_;
  GuestMemory memory_;
  StopSwitch stop_;
  os::UniqueFd input_room_;
  ConsoleOutput console_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::unique_ptr<Vcpu>> vcpus_;  // Until run() gives them to threads.
  std::unique_ptr<Platform> platform_;
  std::unique_ptr<Devices> devices_;
  std::vector<std::unique_ptr<VcpuThread>> threads_;
};

}  // namespace bh::vmm
