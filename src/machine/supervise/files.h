#pragma once

#include <string>

#include "base/error.h"

namespace bh::machine {

// What is in the folder of a machine.
inline constexpr char kControlSocket[] = "control";
inline constexpr char kConsoleLog[] = "console.log";
inline constexpr char kSupervisorLog[] = "supervise.log";
inline constexpr char kSupervisorLock[] = "lock";
/// Files of one run.
inline constexpr char kRunFolder[] = "run";

// Exit statuses of what could not run, as shells and container engines have them.
inline constexpr int kCannotStart = 125;
inline constexpr int kCommandNotFound = 127;

/// Makes a fresh folder for a run below the machine's folder; it is the working directory then.
Result<> enter_run_folder(std::string const& folder);
/// Removes it; the machine's folder is the working directory.
void leave_run_folder(std::string const& folder);

}  // namespace bh::machine
