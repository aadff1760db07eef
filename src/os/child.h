#pragma once

#include <sys/types.h>

#include <csignal>
#include <string>
#include <vector>

#include "base/error.h"

namespace bh::os {

/// A program that was started and is waited for.
class Child {
 public:
  /// Runs `arguments` (the first is the program's path) with our standard files and directory.
  /// Until wait() is over, signals that ask to end (SIGTERM, SIGINT, SIGHUP, SIGQUIT) are blocked
  /// in the calling thread, which should be the only one.
  static Result<Child> start(std::vector<std::string> const& arguments);

  Child(Child&& other) noexcept : pid_(other.pid_), mask_(other.mask_) { other.pid_ = kNone; }
  Child& operator=(Child&&) = delete;
  /// Kills and reaps a child that was not waited for.
  ~Child();

  /// Waits for the end and returns the exit status, or 128 + the signal that ended it. Signals that
  /// ask us to end are passed on to the child.
  Result<int> wait();

 private:
  static constexpr pid_t kNone = -1;

  Child(pid_t pid, sigset_t mask) : pid_(pid), mask_(mask) {}

  pid_t pid_;
  sigset_t mask_;  // The thread's before start().
};

}  // namespace bh::os
