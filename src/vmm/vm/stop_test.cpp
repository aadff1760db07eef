#include "vmm/vm/stop.h"

#include <gtest/gtest.h>
#include <poll.h>

namespace bh::vmm {
namespace {

bool readable(os::UniqueFd const& fd) {
  pollfd poll_fd{.fd = fd.get(), .events = POLLIN, .revents = 0};
  return ::poll(&poll_fd, 1, 0) == 1;
}

TEST(StopSwitch, KeepsTheFirstReason) {
  auto stop = StopSwitch::create();
  ASSERT_TRUE(stop);
  EXPECT_FALSE(stop->stopped());
  EXPECT_FALSE(stop->reason());
  EXPECT_FALSE(readable(stop->event()));
  stop->stop(GuestExit{7});
  stop->stop(GuestReset());
  EXPECT_TRUE(stop->stopped());
  EXPECT_TRUE(readable(stop->event()));
  EXPECT_EQ(describe(*stop->reason()), "the guest reported exit status 7");
}

TEST(StopReason, IsOneLineForTheLog) {
  EXPECT_EQ(describe(Terminated{15}), "signal Terminated");
  EXPECT_EQ(describe(EngineFailure{"vCPU 0: bad"}), "vCPU 0: bad");
}

}  // namespace
}  // namespace bh::vmm
