#pragma once

#include <sys/types.h>

#include <memory>

#include "base/error.h"
#include "machine/definition.h"
#include "machine/supervise/reaper.h"
#include "machine/wiring.h"
#include "os/event_loop.h"
#include "os/unique_fd.h"

namespace bh::machine {

/// A container's user network: a network namespace with a card in it, whose other end
/// bulkhead-usernet has. That is started again if something ends it. All goes with this object.
class UserNetwork {
 public:
  /// Ports of the host are open from here on. The working directory is the folder of the run, where
  /// it makes a file. Loop and reaper outlive it.
  static Result<std::unique_ptr<UserNetwork>> start(Definition const& definition,
                                                    os::EventLoop& loop, Reaper& reaper);
  UserNetwork(UserNetwork const&) = delete;
  ~UserNetwork();

  Wiring const& wiring() const { return wiring_; }

 private:
  UserNetwork(os::EventLoop& loop, Reaper& reaper) : loop_(loop), reaper_(reaper) {}

  Result<> make_card();
  Result<> connect();
  void connect_again();

  os::EventLoop& loop_;
  Reaper& reaper_;
  Wiring wiring_;
  os::UniqueFd name_space_;
  os::UniqueFd wire_;  // A packet socket at the card's other end.
  pid_t pid_ = -1;
  os::EventLoop::Timer timer_ = 0;
};

}  // namespace bh::machine
