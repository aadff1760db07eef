#include "vmm/vm/vcpu_thread.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <array>

#include "vmm/device/exit_port.h"
#include "vmm/vm/testing/fake_engine.h"
#include "vmm/vm/testing/pipe.h"

namespace bh::vmm {
namespace {

constexpr std::uint16_t kPort = 0x10;
constexpr std::uint64_t kAddress = 0xd000'0000;

class VcpuThreadTest : public ::testing::Test {
 protected:
  VcpuThreadTest() {
    EXPECT_TRUE(ports_.add({.first = kPort, .size = 1}, lock_, exit_port_));
    EXPECT_TRUE(mmio_.add({.first = kAddress, .size = 1}, lock_, exit_port_));
  }

  /// Runs a vCPU with these exits until something ends the machine, and says what.
  std::string run(std::deque<Exit> exits) {
    VcpuThread thread(
        3, std::make_unique<testing::FakeVcpu>(std::move(exits)),
        {.ports = ports_, .mmio = mmio_, .console = console_, .stop = stop_, .gate = gate_});
    pollfd poll_fd{.fd = stop_.event().get(), .events = POLLIN, .revents = 0};
    ::poll(&poll_fd, 1, 10'000);
    return stop_.reason() ? describe(*stop_.reason()) : "still running";
  }

  testing::Pipe pipe_;
  StopSwitch stop_ = std::move(StopSwitch::create().value());
  ConsoleOutput console_{pipe_.writer.get(), [] {}};
  PauseGate gate_;
  Mutex lock_;
  ExitPort exit_port_{[this](std::uint8_t status) { stop_.stop(GuestExit{status}); }};
  Bus ports_;
  Bus mmio_;
  std::array<std::byte, 1> byte_{std::byte{9}};
};

TEST_F(VcpuThreadTest, HandsPortWritesToTheBus) {
  EXPECT_EQ(run({PortWrite{kPort, byte_}}), "the guest reported exit status 9");
}

TEST_F(VcpuThreadTest, HandsMmioWritesToTheBus) {
  EXPECT_EQ(run({Interrupted(), MmioWrite{{kAddress}, byte_}}), "the guest reported exit status 9");
}

TEST_F(VcpuThreadTest, FillsReadsFromTheBus) {
  std::array<std::byte, 4> port_data{};
  std::array<std::byte, 8> mmio_data{};
  run({PortRead{0x80, port_data}, MmioRead{{0x1000}, mmio_data}, Shutdown()});
  EXPECT_EQ(port_data[3], std::byte{0xff});
  EXPECT_EQ(mmio_data[7], std::byte{0xff});
}

TEST_F(VcpuThreadTest, TakesAShutdownForAReset) {
  EXPECT_EQ(run({Shutdown()}), "the guest reset itself by a triple fault");
}

TEST_F(VcpuThreadTest, SaysWhichVcpuAnEngineCannotRun) {
  EXPECT_EQ(run({InternalError{"no such instruction at 0x10"}}),
            "vCPU 3: no such instruction at 0x10");
}

TEST_F(VcpuThreadTest, EndsAMachineThatNothingCouldWake) {
  EXPECT_EQ(run({Halted()}), "vCPU 3: halted with nothing that could wake it");
}

TEST_F(VcpuThreadTest, RunsNoFurtherAfterTheMachineEnded) {
  std::array<std::byte, 1> untouched{};
  run({PortWrite{kPort, byte_}, PortRead{0x80, untouched}});
  EXPECT_EQ(untouched[0], std::byte{0});
}

TEST_F(VcpuThreadTest, EndsAWaitingVcpuWhenAsked) {
  VcpuThread thread(
      0, std::make_unique<testing::FakeVcpu>(std::deque<Exit>()),
      {.ports = ports_, .mmio = mmio_, .console = console_, .stop = stop_, .gate = gate_});
  thread.request_stop();
  EXPECT_FALSE(stop_.stopped());
}

}  // namespace
}  // namespace bh::vmm
