#pragma once

namespace bh::vmm {

/// Exit codes of the program, as Firecracker has them.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitBadSystemCall = 148;
inline constexpr int kExitBusError = 149;
inline constexpr int kExitSegmentationFault = 150;
inline constexpr int kExitFileSizeLimit = 151;
inline constexpr int kExitBadConfiguration = 152;
inline constexpr int kExitBadArguments = 153;
inline constexpr int kExitCpuTimeLimit = 154;
inline constexpr int kExitBrokenPipe = 155;
inline constexpr int kExitHangUp = 156;
inline constexpr int kExitIllegalInstruction = 157;

/// Ended by a signal that asked for it: 128 + its number, as a shell reports it.
inline constexpr int kExitSignalBase = 128;

}  // namespace bh::vmm
