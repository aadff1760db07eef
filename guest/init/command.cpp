#include "init/command.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <optional>

#include "init/agent.h"
#include "init/console.h"
#include "init/exit_status.h"
#include "init/file.h"
#include "init/folders.h"
#include "init/identity.h"
#include "init/report.h"
#include "init/session.h"
#include "init/vsock.h"

namespace bh::init {

namespace {

constexpr char const* kCommandFile = "/.bulkhead/command";
constexpr char const* kParameter = "bulkhead.run";

bool accept(std::string_view source, ParseError error) {
  if (error == ParseError::None) return true;
  report(source, to_string(error));
  return false;
}

}  // namespace

bool find_command(Arguments& out) {
  auto const file = read_file(kCommandFile);
  if (file) return accept(kCommandFile, parse_nul_separated(*file, out));
  if (errno != ENOENT && errno != ENOTDIR) {
    report_errno("read", kCommandFile, errno);
    return false;
  }

  auto const command_line = read_file("/proc/cmdline");
  if (!command_line) {
    report_errno("read", "/proc/cmdline", errno);
    return false;
  }
  auto const parameter = find_parameter(*command_line, kParameter);
  if (parameter) return accept(kParameter, parse_percent_encoded(*parameter, out));

  return accept("the default shell", parse_percent_encoded("/bin/sh", out));
}

bool settle_in(Settings const& settings, Settings const& machine) {
  auto const* folder = settings.find_text("folder");
  if (folder == nullptr) folder = machine.find_text("folder");
  if (folder != nullptr) {
    make_folders(folder);
    if (::chdir(folder) != 0) {
      report_errno("enter", folder, errno);
      return false;
    }
  }
  auto user = settings.find("user");
  if (!user) user = machine.find("user");
  return !user || become(*user);
}

namespace {

[[noreturn]] void run_in_session(std::uint32_t port, Arguments const& command,
                                 Settings const& settings) {
  ::setsid();
  int const socket = connect_to_host(port);
  if (socket < 0) {
    report_errno("connect to", "the host by vsock", errno);
    ::_exit(kCannotStart);
  }
  ::_exit(serve_session(socket, {.command = command, .settings = settings, .machine = settings}));
}

[[noreturn]] void run_on_console(Arguments const& command, Settings const& settings) {
  come_to_foreground();
  if (!settle_in(settings, settings)) ::_exit(kCannotStart);
  ::execvp(command.argv()[0], command.argv());
  int const error = errno;
  report_errno("exec", command[0], error);
  ::_exit(status_of_exec_error(error));
}

}  // namespace

int run_command(Arguments const& command, Settings const& settings) {
  // Where the command's standard files are; without one they are the console.
  auto const port = settings.number("session");
  if (port != 0) start_agent(settings);
  // The command must not lead the session: a terminal is hung up when its session's leader ends,
  // and what the serial driver has not sent by then is lost.
  ::setsid();
  take_terminal();
  pid_t const child = ::fork();
  if (child < 0) {
    report_errno("fork for", command[0], errno);
    return kCannotStart;
  }
  if (child == 0 && port != 0) run_in_session(port, command, settings);
  if (child == 0) run_on_console(command, settings);
  for (;;) {
    int status = 0;
    pid_t const ended = ::waitpid(-1, &status, 0);
    if (ended == child) return status_of_wait(status);
    if (ended < 0 && errno != EINTR) {
      report_errno("wait for", command[0], errno);
      return kCannotStart;
    }
  }
}

}  // namespace bh::init
