#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "container/spec/spec.h"
#include "jail/proc_dir.h"
#include "jail/root_dir.h"
#include "jail/seccomp.h"
#include "os/unique_fd.h"

namespace bh::container {

/// The path of process.args[0] below the root, which may be a name to look up in $PATH. Says what
/// is wrong with it before anything is changed for its sake.
Result<std::string> program_path(jail::RootDir const& root, ProcessSpec const& process);

/// The home folder of the user in the container's /etc/passwd; "/" if it is not there.
std::string home_of(jail::RootDir const& root, std::uint32_t user);

/// What else a process needs to become the container's.
struct ProgramStart {
  std::string path;
  std::string home;  // $HOME, if the environment has none.
  jail::SeccompFilter const* seccomp = nullptr;
  os::UniqueFd seccomp_listener;  // Where the listener of a notifying filter is sent, with
  std::string seccomp_state;      // this text.
  std::string keyring;            // Name of a new session keyring; empty: keep.
  std::optional<unsigned long> personality;
  std::optional<jail::MemoryPolicy> memory_policy;
  int first_closed = 3;  // Descriptors from here on do not reach the program.
};

/// Gives up every privilege that `process` does not keep, and becomes the program. Closes `proc`
/// and `root`, and returns only with an error. `report` stays open until the program starts.
Error become_program(ProcessSpec const& process, ProgramStart start, jail::ProcDir proc,
                     std::optional<jail::RootDir> root);

}  // namespace bh::container
