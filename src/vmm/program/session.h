#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/error.h"
#include "vmm/api/config.h"
#include "vmm/mmds/store.h"
#include "vmm/program/arguments.h"
#include "vmm/vm/logger.h"
#include "vmm/vm/signals.h"
#include "vmm/vm/stop.h"
#include "vmm/vm/vm.h"

namespace bh::vmm {

/// What a run of the program works with. Outlives the session.
struct SessionWorld {
  Arguments const& arguments;
  Logger& logger;
  TerminationSignals const& signals;
  mmds::Store& store;
  /// Makes a machine; called on the main thread, once for each try to start one.
  std::move_only_function<Result<std::unique_ptr<Vm>>(VmConfig const&)> make_machine;
};

/// Where a machine could not even be started.
struct StartFailure {
  Error error;
};
using SessionEnd = std::variant<StopReason, StartFailure>;

/// One machine with its API socket: waits until the API, or `config` if there is one, says what the
/// machine is, and runs it to its end.
SessionEnd run_with_api(SessionWorld world, std::optional<VmConfig> config);

/// One machine, from its configuration alone.
SessionEnd run_without_api(SessionWorld world, VmConfig const& config);

}  // namespace bh::vmm
