#include "init/session_child.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "init/command.h"
#include "init/copy.h"
#include "init/exit_status.h"
#include "init/frames.h"
#include "init/probe.h"
#include "init/report.h"

namespace bh::init {

namespace {

struct Pipe {
  int read_end = -1;
  int write_end = -1;
};

bool open_pipe(Pipe& pipe) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  pipe = {.read_end = ends[0], .write_end = ends[1]};
  return true;
}

/// The slave's descriptor, or -1.
int open_terminal(int& master) {
  master = ::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0) return -1;
  int locked = 0;
  if (::ioctl(master, TIOCSPTLCK, &locked) != 0) return -1;
  return ::ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/// In the child: becomes the command, or ends.
[[noreturn]] void become_command(SessionCommand const& what, std::array<int, 3> const& files,
                                 bool terminal) {
  ::setsid();
  for (int target = 0; target <= STDERR_FILENO; ++target) {
    int const source = files[static_cast<std::size_t>(target)];
    // A descriptor that is where it should be keeps its flag otherwise.
    if (source == target) ::fcntl(source, F_SETFD, 0);
    if (::dup2(source, target) < 0) ::_exit(kCannotStart);
  }
  if (terminal) ::ioctl(STDIN_FILENO, TIOCSCTTY, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGTTOU, SIG_DFL);
  ::signal(SIGCHLD, SIG_DFL);
  if (what.settings.find("probe")) ::_exit(probe_port(what.settings));
  if (what.settings.find("copy")) {
    // No other program comes that would not have them: our own end of its input is one.
    ::close_range(STDERR_FILENO + 1, ~0U, 0);
    ::_exit(copy_files(what.settings));
  }
  if (&what.settings != &what.machine) what.settings.set_environment();
  if (!settle_in(what.settings, what.machine)) ::_exit(kCannotStart);
  ::execvp(what.command.argv()[0], what.command.argv());
  int const error = errno;
  report_errno("exec", what.command[0], error);
  ::_exit(status_of_exec_error(error));
}

void stop_blocking(int fd) {
  if (fd >= 0) ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

}  // namespace

bool start_session_child(SessionCommand const& what, SessionChild& child) {
  bool const terminal = what.settings.find("terminal").has_value();
  std::array<int, 3> theirs{-1, -1, -1};
  if (terminal) {
    int const slave = open_terminal(child.terminal);
    if (slave < 0) return false;
    theirs.fill(slave);
    auto const size = parse_size_text(what.settings.find("size").value_or(""));
    if (size) resize(child, size->rows, size->columns);
  } else {
    Pipe input;
    Pipe output;
    Pipe error;
    bool const has_input = what.settings.find("input").has_value();
    if (has_input && !open_pipe(input)) return false;
    if (!has_input) input.read_end = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (input.read_end < 0 || !open_pipe(output) || !open_pipe(error)) return false;
    theirs = {input.read_end, output.write_end, error.write_end};
    child.input = input.write_end;
    child.output = output.read_end;
    child.error = error.read_end;
  }
  child.pid = ::fork();
  if (child.pid < 0) return false;
  if (child.pid == 0) become_command(what, theirs, terminal);
  ::close(theirs[0]);
  if (!terminal) {
    ::close(theirs[1]);
    ::close(theirs[2]);
  }
  for (int const fd : {child.input, child.output, child.error, child.terminal}) stop_blocking(fd);
  return true;
}

void resize(SessionChild const& child, unsigned short rows, unsigned short columns) {
  winsize const size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  if (child.terminal >= 0) ::ioctl(child.terminal, TIOCSWINSZ, &size);
}

}  // namespace bh::init
