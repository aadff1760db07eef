#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "vmm/api/config.h"
#include "vmm/control/machine.h"
#include "vmm/engine/engine.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/mmds/store.h"
#include "vmm/vm/console_output.h"
#include "vmm/vm/devices.h"
#include "vmm/vm/engine_choice.h"
#include "vmm/vm/logger.h"
#include "vmm/vm/pause_gate.h"
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
  bool perf_map = false;                 // EngineOptions::perf_map
  std::string code_cache;                // EngineOptions::code_cache
  BootTimer::Clock boot_clock;           // Empty: no boot timer.
  mmds::Store* metadata = nullptr;       // What the guest can read about itself; may be absent.
  int console_input = 0;                 // File descriptors that outlive the machine.
  int console_output = 1;
};

/// A machine with its memory, engine, devices and threads.
///
/// What of control::Machine it has may be called by one other thread from `on_running` on until
/// run() has returned.
class Vm final : public control::Machine {
 public:
  /// Makes the machine and loads its kernel; nothing runs yet. `logger` outlives it.
  static Result<std::unique_ptr<Vm>> create(VmConfig const& config, VmOptions options,
                                            Logger& logger);

  /// Runs the machine on threads of its own and its console on the calling thread, until the
  /// guest, the person at the console or a signal ends it and its output is written. Once.
  /// `on_running` is called when all threads have started.
  Result<StopReason> run(TerminationSignals const& signals,
                         std::move_only_function<void()> on_running = {});

  Result<> pause() override;
  Result<> resume() override;
  Result<> press_ctrl_alt_delete() override;
  Result<> update_drive(DriveUpdate const& update) override;
  Result<> update_network_interface(NetworkInterfaceUpdate const& update) override;
  Result<> set_balloon(std::uint64_t amount_mib) override;
  Result<> set_balloon_polling(std::uint64_t seconds) override;
  Result<boost::json::object> balloon_statistics() override;
  Result<> start_balloon_hinting(bool acknowledge) override;
  Result<> stop_balloon_hinting() override;
  Result<boost::json::object> balloon_hinting() override;
  boost::json::object metrics() override;

  /// After run(): where the engine's time went, if options asked to count.
  std::string statistics() const { return engine_->statistics(); }

 private:
  Vm(GuestMemory memory, StopSwitch stop, os::UniqueFd input_room, int console_input,
     int console_output, Logger& logger);

  Result<> boot(VmConfig const& config);
  Result<> start_and_wait(TerminationSignals const& signals,
                          std::move_only_function<void()> on_running);
  bool press_power_button();
  void flush_console(TerminationSignals const& signals);

  // In the order they need each other.
  Logger& logger_;
  int const input_;
  GuestMemory memory_;
  StopSwitch stop_;
  os::UniqueFd input_room_;
  PauseGate gate_;
  ConsoleOutput console_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::unique_ptr<Vcpu>> vcpus_;  // Until run() gives them to threads.
  std::unique_ptr<Platform> platform_;
  std::unique_ptr<Devices> devices_;
  std::vector<std::unique_ptr<VcpuThread>> threads_;
};

}  // namespace bh::vmm
