#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "machine/copy/request.h"
#include "machine/process.h"
#include "machine/store/record.h"
#include "machine/supervise/exec_request.h"
#include "machine/supervise/reaper.h"
#include "machine/supervise/session.h"
#include "machine/wiring.h"
#include "os/event_loop.h"

namespace bh::machine {

/// What a run works with; outlives it.
struct RunWorld {
  os::EventLoop& loop;
  Reaper& reaper;
  /// Where the run may make files that go with it. The working directory, so that names in it are
  /// short enough for sockets.
  std::string folder;
  Wiring wiring;
};

/// One run of a machine, from its start to its end. What it made goes with it.
class Run {
 public:
  /// The machine has ended, like this. Once.
  std::function<void(End)> on_end;
  /// It has come so far that others can talk to it, if it was not from the start.
  std::function<void()> on_ready;
  virtual bool ready() const { return true; }

  Run() = default;
  Run(Run const&) = delete;
  virtual ~Run() = default;

  /// The machine's command. As long as the run.
  virtual Session& main() = 0;
  virtual Result<> pause() = 0;
  virtual Result<> resume() = 0;
  /// Ends it at once.
  virtual void kill() = 0;
  /// Errc::NotFound or Errc::Denied if the command cannot be executed.
  virtual Result<std::unique_ptr<Session>> exec(ExecRequest const& request) = 0;
  /// Carries files: the session's input or output is a tar.
  virtual Result<std::unique_ptr<Session>> copy(CopyRequest const& request) = 0;
  /// A probe's question: its session ends with 0 if the answer is good.
  virtual Result<std::unique_ptr<Session>> probe(Probe const& probe) = 0;
  /// CPU time in nanoseconds, memory in bytes, and how many processes.
  struct Usage {
    std::uint64_t cpu = 0;
    std::uint64_t memory = 0;
    std::uint64_t memory_limit = 0;  // 0: none.
    std::uint64_t processes = 0;
  };
  virtual Result<Usage> usage() = 0;
  /// Gives the machine the memory and CPUs of a changed definition; Errc::Unsupported if it has to
  /// start again for that.
  virtual Result<> set_limits(Definition const& definition) = 0;
};

/// How a command ended, by its status alone.
End end_of(int status);

/// Why a machine could not be started for a reason that is its own: no such program, for example.
struct NotStarted {
  int status = 0;
  std::string message;
};

/// Starts the machine of a record. Errors are of the host, or of an image that is not there; a
/// command that cannot be executed is Errc::NotFound or Errc::Denied, with `refused` filled in.
Result<std::unique_ptr<Run>> start_run(Record const& record, std::string const& root,
                                       std::vector<SecretValue> secrets, RunWorld const& world,
                                       NotStarted& refused);

}  // namespace bh::machine
