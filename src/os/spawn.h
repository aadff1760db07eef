#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/error.h"

namespace bh::os {

/// A program to start beside us, with nothing of ours but what is named here.
struct Spawn {
  std::vector<std::string> words;  // The first is the program's path.
  int input = -1;                  // -1 each: /dev/null.
  int output = -1;
  int error = -1;
  bool dies_with_us = true;  // The kernel kills it when our thread ends, whatever ends it.
};

/// Returns the program's process, which the caller reaps. No signal is blocked in it. In a process
/// of one thread.
Result<pid_t> spawn(Spawn const& what);

/// Waits for the end of a process of ours: its exit status, or 128 + the signal that ended it.
Result<int> wait_for(pid_t pid);

/// The same of a status of waitpid(2).
int exit_status_of(int wait_status);

}  // namespace bh::os
