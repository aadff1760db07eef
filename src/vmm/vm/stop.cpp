#include "vmm/vm/stop.h"

#include <cstring>
#include <utility>

#include "vmm/loop/event.h"

namespace bh::vmm {

namespace {

struct Describe {
  std::string operator()(GuestExit const& exit) const {
    return "the guest reported exit status " + std::to_string(exit.status);
  }
  std::string operator()(GuestReset const&) const { return "the guest asked for a reset"; }
  std::string operator()(GuestPowerOff const&) const { return "the guest powered off"; }
  std::string operator()(GuestTripleFault const&) const {
    return "the guest reset itself by a triple fault";
  }
  std::string operator()(EngineFailure const& failure) const { return failure.words; }
  std::string operator()(Terminated const& terminated) const {
    return std::string("signal ") + ::strsignal(terminated.signal);
  }
  std::string operator()(ConsoleClosed const&) const { return "the console's reader is gone"; }
  std::string operator()(UserQuit const&) const { return "quit at the terminal"; }
};

}  // namespace

std::string describe(StopReason const& reason) {
  return std::visit(Describe(), reason);
}

Result<StopSwitch> StopSwitch::create() {
  auto event = BH_TRY(create_event());
  return StopSwitch(std::move(event));
}

void StopSwitch::stop(StopReason reason) {
  {
    MutexLock const lock(mutex_);
    if (reason_) return;
    reason_ = std::move(reason);
  }
  stopped_.store(true, std::memory_order_release);
  signal_event(event_);
}

std::optional<StopReason> StopSwitch::reason() const {
  MutexLock const lock(mutex_);
  return reason_;
}

}  // namespace bh::vmm
