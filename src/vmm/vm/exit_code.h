#pragma once

namespace bh::vmm {

/// Exit codes of the program, as Firecracker has them.
enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,
  kExitBadSystemCall = 148,
  kExitBusError = 149,
  kExitSegmentationFault = 150,
  kExitFileSizeLimit = 151,
  kExitBadConfiguration = 152,
  kExitBadArguments = 153,
  kExitCpuTimeLimit = 154,
  kExitBrokenPipe = 155,
  kExitHangUp = 156,
  kExitIllegalInstruction = 157,
};

/// Ended by a signal that asked for it: 128 + its number, as a shell reports it.
inline constexpr int kExitSignalBase = 128;

}  // namespace bh::vmm
