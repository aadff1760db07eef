#include "vmm/vm/pause_gate.h"

#include <gtest/gtest.h>

#include <thread>

namespace bh::vmm {
namespace {

using std::chrono::milliseconds;

TEST(PauseGate, HoldsThreadsUntilItOpens) {
  PauseGate gate;
  gate.pass({});
  gate.close();
  EXPECT_FALSE(gate.wait_for(1, milliseconds(1)));
  std::atomic<bool> passed = false;
  std::jthread thread([&](std::stop_token const& stop) {
    gate.pass(stop);
    passed = true;
  });
  EXPECT_TRUE(gate.wait_for(1, milliseconds(10'000)));
  EXPECT_FALSE(passed);
  gate.open();
  thread.join();
  EXPECT_TRUE(passed);
}

TEST(PauseGate, LetsGoOfAThreadThatIsToStop) {
  PauseGate gate;
  gate.close();
  std::jthread thread([&](std::stop_token const& stop) { gate.pass(stop); });
  EXPECT_TRUE(gate.wait_for(1, milliseconds(10'000)));
  thread.request_stop();
  thread.join();
}

TEST(PauseGate, CountsAThreadThatWaitsForSomethingElse) {
  PauseGate gate;
  gate.close();
  bool counted = false;
  gate.count_while([&] { counted = gate.wait_for(1, milliseconds(0)); });
  EXPECT_TRUE(counted);
}

}  // namespace
}  // namespace bh::vmm
