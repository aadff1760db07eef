#pragma once

#include <sys/types.h>

#include <span>
#include <string>

#include "base/error.h"
#include "jail/cgroup/resources.h"
#include "jail/systemd/dbus.h"
#include "jail/systemd/unit.h"
#include "os/unique_fd.h"

namespace bh::jail {

/// A connection to the service manager itself, without a bus between: the system's as root, the
/// user's own otherwise. One thread only.
class Systemd {
 public:
  /// Errc::Unsupported where systemd does not run.
  static Result<Systemd> connect();

  /// Makes a transient unit with `pid` in it, and waits until it is there.
  Result<> start(SystemdUnit const& unit, pid_t pid, Resources const& limits);
  Result<> set_limits(std::string const& unit, Resources const& limits);
  /// Waits until it is gone; no such unit is no failure.
  Result<> stop(std::string const& unit);

 private:
  explicit Systemd(os::UniqueFd socket) : socket_(std::move(socket)) {}

  Result<> authenticate();
  /// Sends a call of the manager and returns its answer, other messages on the way left out.
  Result<DbusMessage> call(std::string_view member, std::string_view signature,
                           std::string_view body);
  /// The same for a call that starts a job: waits for the job's end.
  Result<> call_job(std::string_view member, std::string_view signature, std::string_view body);
  Result<DbusMessage> receive();
  Result<> read_exactly(std::string& out, std::size_t size);

  os::UniqueFd socket_;
  std::uint32_t serial_ = 0;
};

}  // namespace bh::jail
