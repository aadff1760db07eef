#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/error.h"
#include "base/mutex.h"
#include "os/unique_fd.h"

namespace bh::vmm {

/// Why a machine ended.

/// The guest wrote this byte to the exit port.
struct GuestExit {
  std::uint8_t status = 0;
};
/// The guest asked for a reset, which is how a PC reboots; a microVM ends then.
struct GuestReset {};
/// The guest powered itself off.
struct GuestPowerOff {};
/// A triple fault, the other way to reset.
struct GuestTripleFault {};
/// The engine cannot go on.
struct EngineFailure {
  std::string words;
};
/// A signal told the process to end.
struct Terminated {
  int signal = 0;
};
/// Nobody can read the console any more (EPIPE).
struct ConsoleClosed {};
/// The person at the terminal typed the escape to quit.
struct UserQuit {};

using StopReason = std::variant<GuestExit, GuestReset, GuestPowerOff, GuestTripleFault,
                                EngineFailure, Terminated, ConsoleClosed, UserQuit>;

/// One line for the log.
std::string describe(StopReason const& reason);

/// Thrown once, by whichever thread first finds a reason to end the machine.
class StopSwitch {
 public:
  static Result<StopSwitch> create();
  StopSwitch(StopSwitch&& other) noexcept : event_(std::move(other.event_)) {}

  /// Any thread, also with a device's lock held. Later reasons are dropped.
  void stop(StopReason reason);
  /// Any thread; cheap.
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }
  std::optional<StopReason> reason() const;
  /// Readable from stop() on.
  os::UniqueFd const& event() const { return event_; }

 private:
  explicit StopSwitch(os::UniqueFd event) : event_(std::move(event)) {}

  os::UniqueFd event_;
  std::atomic<bool> stopped_ = false;
  mutable Mutex mutex_;
  std::optional<StopReason> reason_ BH_GUARDED_BY(mutex_);
};

}  // namespace bh::vmm
