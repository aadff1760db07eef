#include "init/command.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <optional>

#include "init/console.h"
#include "init/exit_status.h"
#include "init/report.h"

namespace bh::init {

namespace {

constexpr char const* kCommandFile = "/.bulkhead/command";
constexpr char const* kParameter = "bulkhead.run";

// Only ever used by the first process, before it starts another.
std::array<char, Arguments::kMaxBytes + 1> file_bytes;

/// The file's bytes, which the next call overwrites; nothing, with errno set, if it cannot be read.
std::optional<std::string_view> read_file(char const* path) {
  int const fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::size_t used = 0;
  ssize_t count = 0;
  while (used < file_bytes.size()) {
    count = ::read(fd, file_bytes.data() + used, file_bytes.size() - used);
    if (count <= 0) break;
    used += static_cast<std::size_t>(count);
  }
  int const error = errno;
  ::close(fd);
  errno = error;
  if (count < 0) return std::nullopt;
  return std::string_view(file_bytes.data(), used);
}

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

int run_command(Arguments const& command) {
  // The command must not lead the session: a terminal is hung up when its session's leader ends,
  // and what the serial driver has not sent by then is lost.
  ::setsid();
  take_terminal();
  pid_t const child = ::fork();
  if (child < 0) {
    report_errno("fork for", command[0], errno);
    return kCannotStart;
  }
  if (child == 0) {
    come_to_foreground();
    ::execvp(command.argv()[0], command.argv());
    int const error = errno;
    report_errno("exec", command[0], error);
    ::_exit(status_of_exec_error(error));
  }
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
