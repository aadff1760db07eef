#pragma once

#include <string>

#include "base/error.h"
#include "container/spec/spec.h"
#include "container/state.h"
#include "jail/cgroup/cgroup.h"
#include "jail/proc_dir.h"
#include "jail/process.h"
#include "os/unique_fd.h"

namespace bh::container {

/// A program to run in a container that exists.
struct ExecRequest {
  State const& state;
  Spec const& spec;  // What the container was made from.
  ProcessSpec process;
  std::string pid_file;
  int preserve_fds = 0;
  /// A group within the container's, for it and all that it starts.
  jail::Cgroup const* group = nullptr;
  os::UniqueFd console_socket;  // Where the terminal's other end is sent.
};

/// Starts it. Returns when the program has begun, with its process as a child of this one.
Result<jail::Process> exec_in_container(jail::ProcDir& proc, ExecRequest& request);

}  // namespace bh::container
