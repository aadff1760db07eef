// Which vCPUs a message reaches, in xAPIC mode.
#include "vmm/chip/apic_router.h"

#include <gtest/gtest.h>

#include "vmm/chip/testing/chip_set_rig.h"

namespace bh::vmm::chip {
namespace {

constexpr std::uint32_t kSelf = 1U << 18;
constexpr std::uint32_t kAll = 2U << 18;
constexpr std::uint32_t kOthers = 3U << 18;
constexpr std::uint32_t kLogical = 1U << 11;
constexpr std::uint32_t kLowestPriority = 1U << 8;

class ApicRouterTest : public ::testing::Test {
 protected:
  static constexpr unsigned kVcpus = 4;

  ApicRouterTest() {
    for (unsigned vcpu = 0; vcpu < kVcpus; ++vcpu) rig_.enable_apic(vcpu);
  }
  void send(unsigned from, std::uint8_t destination, std::uint32_t command) {
    rig_.write_apic(from, 0x310, std::uint32_t{destination} << 24);
    rig_.write_apic(from, 0x300, command);
  }
  // The vCPUs that have an interrupt, one per bit; ends them all.
  unsigned interrupted() {
    unsigned vcpus = 0;
    for (unsigned vcpu = 0; vcpu < kVcpus; ++vcpu) {
      while (rig_.chips.acknowledge(vcpu)) {
        vcpus |= 1U << vcpu;
        rig_.end_interrupt(vcpu);
      }
    }
    return vcpus;
  }

  testing::ChipSetRig rig_{kVcpus};
};

TEST_F(ApicRouterTest, PhysicalDestinationIsOneOrAll) {
  send(0, 2, 0x41);
  EXPECT_EQ(interrupted(), 0b0100);
  send(0, 0xff, 0x41);
  EXPECT_EQ(interrupted(), 0b1111);
  send(0, 9, 0x41);
  EXPECT_EQ(interrupted(), 0);
}

TEST_F(ApicRouterTest, ShorthandsIgnoreTheDestination) {
  send(1, 3, kSelf | 0x41);
  EXPECT_EQ(interrupted(), 0b0010);
  send(1, 3, kAll | 0x41);
  EXPECT_EQ(interrupted(), 0b1111);
  send(1, 3, kOthers | 0x41);
  EXPECT_EQ(interrupted(), 0b1101);
}

TEST_F(ApicRouterTest, FlatModelAddressesASet) {
  for (unsigned vcpu = 0; vcpu < kVcpus; ++vcpu) rig_.write_apic(vcpu, 0xd0, 1U << (24 + vcpu));
  send(0, 0b1010, kLogical | 0x41);
  EXPECT_EQ(interrupted(), 0b1010);
  send(0, 0xff, kLogical | 0x41);
  EXPECT_EQ(interrupted(), 0b1111);
}

TEST_F(ApicRouterTest, ClusterModelAddressesASetWithinACluster) {
  std::array<std::uint32_t, kVcpus> const ids{0x11, 0x12, 0x21, 0x22};
  for (unsigned vcpu = 0; vcpu < kVcpus; ++vcpu) {
    rig_.write_apic(vcpu, 0xe0, 0x0fff'ffff);
    rig_.write_apic(vcpu, 0xd0, ids[vcpu] << 24);
  }
  send(0, 0x13, kLogical | 0x41);
  EXPECT_EQ(interrupted(), 0b0011);
  send(0, 0x22, kLogical | 0x41);
  EXPECT_EQ(interrupted(), 0b1000);
  send(0, 0x33, kLogical | 0x41);
  EXPECT_EQ(interrupted(), 0);
}

TEST_F(ApicRouterTest, LowestPriorityPicksTheLeastBusy) {
  for (unsigned vcpu = 0; vcpu < kVcpus; ++vcpu) {
    rig_.chips.set_task_priority(vcpu, vcpu == 2 ? 1 : 2);
  }
  for (int i = 0; i < 3; ++i) {
    send(0, 0xff, kLowestPriority | 0x41);
    EXPECT_EQ(interrupted(), 0b0100);
  }
}

TEST_F(ApicRouterTest, LowestPriorityTakesTurnsAmongEquals) {
  unsigned reached = 0;
  for (unsigned i = 0; i < kVcpus; ++i) {
    send(0, 0xff, kLowestPriority | 0x41);
    auto const who = interrupted();
    EXPECT_EQ(std::popcount(who), 1);
    reached |= who;
  }
  EXPECT_EQ(reached, 0b1111);
}

TEST_F(ApicRouterTest, LowestPriorityPassesOverSoftwareDisabledApics) {
  for (unsigned const vcpu : {0U, 1U, 3U}) rig_.write_apic(vcpu, 0xf0, 0xff);
  for (int i = 0; i < 3; ++i) {
    send(0, 0xff, kLowestPriority | 0x41);
    EXPECT_EQ(interrupted(), 0b0100);
  }
}

TEST_F(ApicRouterTest, NmiInitAndSipiReachSoftwareDisabledApics) {
  rig_.write_apic(1, 0xf0, 0xff);
  send(0, 1, 0x4400);
  EXPECT_TRUE(rig_.chips.take_nmi(1));
  send(0, 1, 0x4500);
  EXPECT_TRUE(rig_.chips.take_start_up(1).has_value());
  send(0, 1, 0x4608);
  EXPECT_TRUE(rig_.chips.take_start_up(1).has_value());
}

TEST_F(ApicRouterTest, NmiToAllButSelfLeavesTheSenderAlone) {
  send(2, 0, kOthers | 0x4400);
  for (unsigned vcpu = 0; vcpu < kVcpus; ++vcpu) {
    EXPECT_EQ(rig_.chips.take_nmi(vcpu), vcpu != 2) << vcpu;
  }
}

TEST_F(ApicRouterTest, InitResetsTheApicOfTheOneThatTakesIt) {
  rig_.write_apic(1, 0x80, 0x33);
  send(0, 1, 0x41);
  send(0, 1, 0xc500);
  EXPECT_TRUE(rig_.chips.take_start_up(1).has_value());
  EXPECT_EQ(rig_.read_apic(1, 0x80), 0);
  EXPECT_EQ(rig_.read_apic(1, 0xf0), 0xff);
  EXPECT_EQ(rig_.chips.attention(1), 0);
}

TEST_F(ApicRouterTest, LevelInterruptEndsAtTheIoApicFromWhicheverVcpuTookIt) {
  rig_.route(10, 3ULL << 56 | 1U << 15 | 0x41);
  rig_.chips.set_line(10, LineLevel::High);
  EXPECT_EQ(rig_.chips.acknowledge(3), 0x41);
  EXPECT_EQ(rig_.read_apic(3, 0x180 + 0x10 * (0x41 / 32)), 1U << (0x41 % 32));
  rig_.chips.set_line(10, LineLevel::Low);
  rig_.end_interrupt(3);
  EXPECT_EQ(rig_.read_io_apic(0x10 + 2 * 10) & (1U << 14), 0);
}

TEST_F(ApicRouterTest, ReservedDeliveryModesReachNobody) {
  for (std::uint32_t const mode : {2U, 3U, 7U}) {
    send(0, 1, mode << 8 | 0x41);
    EXPECT_EQ(rig_.chips.attention(1), 0) << mode;
  }
}

}  // namespace
}  // namespace bh::vmm::chip
