#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "machine/clock.h"
#include "machine/definition.h"
#include "os/process_identity.h"

namespace bh::machine {

enum class State : std::uint8_t { Created, Running, Paused, Exited, Failed };

std::string_view state_name(State state);
Result<State> parse_state(std::string_view text);

/// Why a machine is not running any more; words beside it say more.
enum class Reason : std::uint8_t {
  None,
  Exited,          // The command ended by itself.
  Signalled,       // A signal ended it.
  OutOfMemory,     // The kernel's OOM killer did.
  GuestPanic,      // The microVM's kernel gave up.
  NotStarted,      // It could not be started.
  TooManyStarts,   // It ended early again and again.
  SupervisorLost,  // Its bulkhead-supervise was killed.
  Unhealthy,       // Its liveness probe said that it does not work.
};

std::string_view reason_name(Reason reason);
Result<Reason> parse_reason(std::string_view text);

/// How a machine's last run ended.
struct End {
  State state = State::Exited;
  std::optional<int> exit_status;
  Reason reason = Reason::None;
  std::string detail;
};

/// What probes say of a machine that runs; empty where there is no such probe.
struct HealthReport {
  std::string live;    // starting, healthy or unhealthy,
  std::string ready;   // yes or no,
  std::string detail;  // and what was said when that last changed.
};

/// What is kept of a machine.
struct Record {
  std::string id;
  std::string name;
  Definition definition;
  State state = State::Created;
  Time created = 0;
  Time started = 0;
  Time ended = 0;
  std::optional<int> exit_status;
  Reason reason = Reason::None;
  std::string detail;
  std::uint64_t restarts = 0;
  HealthReport health;
  /// While one is there, also between two runs of the machine.
  std::optional<os::ProcessIdentity> supervisor;

  bool runs() const { return state == State::Running || state == State::Paused; }
};

/// A folder that outlives the machines that use it.
struct Volume {
  std::string name;
  Time created = 0;
  std::map<std::string, std::string> labels;
  bool anonymous = false;  // Nobody gave it a name: it may go with the machine it was made for.
};

/// A value that machines get and nobody is shown. It is in a file of its own, named by its id.
struct Secret {
  std::string name;
  std::string id;  // Another one with each value.
  Time created = 0;
  Time updated = 0;
  std::map<std::string, std::string> labels;
};

/// One thing that happened to a machine.
struct Event {
  std::int64_t number = 0;
  Time time = 0;
  std::string machine;
  std::string name;
  std::string action;
  std::string detail;
};

}  // namespace bh::machine
