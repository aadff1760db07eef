#pragma once

#include <sys/wait.h>

#include <cerrno>

namespace bh::init {

/// The init itself failed before the command could.
constexpr int kCannotStart = 125;
constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;

/// What a shell would report for a status of waitpid(): 128 and the signal for a killed process.
constexpr int status_of_wait(int wait_status) {
  constexpr int kKilled = 128;
  return WIFSIGNALED(wait_status) ? kKilled + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/// What a shell would report when execve() failed with `error_number`.
constexpr int status_of_exec_error(int error_number) {
  return error_number == ENOENT || error_number == ENOTDIR ? kNotFound : kNotExecutable;
}

}  // namespace bh::init
