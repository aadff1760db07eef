// The local APIC in x2APIC mode, where registers are MSRs.
#include <gtest/gtest.h>

#include "vmm/chip/local_apic_registers.h"
#include "vmm/chip/testing/chip_set_rig.h"

namespace bh::vmm::chip {
namespace {

constexpr unsigned kVcpus = 18;  // Two clusters.

class X2ApicTest : public ::testing::Test {
 protected:
  X2ApicTest() {
    for (unsigned vcpu = 0; vcpu < kVcpus; ++vcpu) {
      EXPECT_TRUE(write(vcpu, apic::kBaseMsr, 0xfee0'0c00 | (vcpu == 0 ? 0x100 : 0)));
      EXPECT_TRUE(write(vcpu, 0x80f, 0x1ff));
    }
  }
  bool write(unsigned vcpu, std::uint32_t msr, std::uint64_t value) {
    return rig_.chips.msr_write(vcpu, msr, value);
  }
  std::optional<std::uint64_t> read(unsigned vcpu, std::uint32_t msr) {
    return rig_.chips.msr_read(vcpu, msr);
  }
  // The vCPUs that have an interrupt, one per bit; ends them all.
  std::uint32_t interrupted() {
    std::uint32_t vcpus = 0;
    for (unsigned vcpu = 0; vcpu < kVcpus; ++vcpu) {
      while (rig_.chips.acknowledge(vcpu)) {
        vcpus |= 1U << vcpu;
        write(vcpu, 0x80b, 0);
      }
    }
    return vcpus;
  }

  testing::ChipSetRig rig_{kVcpus};
};

TEST_F(X2ApicTest, IdAndLogicalIdAreDerived) {
  EXPECT_EQ(read(0, 0x802), 0);
  EXPECT_EQ(read(17, 0x802), 17);
  EXPECT_EQ(read(0, 0x80d), 0x0000'0001);
  EXPECT_EQ(read(17, 0x80d), 0x0001'0002);
}

TEST_F(X2ApicTest, CommandIsOneWriteOf64Bits) {
  EXPECT_TRUE(write(0, 0x830, 17ULL << 32 | 0x51));
  EXPECT_EQ(read(0, 0x830), 17ULL << 32 | 0x51);
  EXPECT_EQ(interrupted(), 1U << 17);
}

TEST_F(X2ApicTest, LogicalDestinationIsASetWithinACluster) {
  EXPECT_TRUE(write(0, 0x830, 0x0000'8006ULL << 32 | 0x851));
  EXPECT_EQ(interrupted(), 0x8006);
  EXPECT_TRUE(write(0, 0x830, 0x0001'0003ULL << 32 | 0x851));
  EXPECT_EQ(interrupted(), 0x30000);
}

TEST_F(X2ApicTest, BroadcastIsAllOnes) {
  EXPECT_TRUE(write(3, 0x830, 0xffff'ffffULL << 32 | 0x51));
  EXPECT_EQ(interrupted(), (1U << kVcpus) - 1);
  EXPECT_TRUE(write(3, 0x830, 0xffULL << 32 | 0x51));
  EXPECT_EQ(interrupted(), 0) << "255 is a plain id here";
}

TEST_F(X2ApicTest, ShorthandsWork) {
  EXPECT_TRUE(write(3, 0x830, 0x40051));
  EXPECT_EQ(interrupted(), 1U << 3);
  EXPECT_TRUE(write(3, 0x830, 0x80051));
  EXPECT_EQ(interrupted(), (1U << kVcpus) - 1);
  EXPECT_TRUE(write(3, 0x830, 0xc0051));
  EXPECT_EQ(interrupted(), ((1U << kVcpus) - 1) & ~(1U << 3));
}

TEST_F(X2ApicTest, SelfIpiInterruptsItsOwn) {
  EXPECT_TRUE(write(5, 0x83f, 0x51));
  EXPECT_EQ(rig_.chips.acknowledge(5), 0x51);
  EXPECT_EQ(read(5, 0x812), 1U << (0x51 % 32));
  EXPECT_EQ(read(5, 0x830), 0) << "the command register is another";
}

TEST_F(X2ApicTest, IoApicReachesVcpusByTheir8BitId) {
  rig_.route(4, 17ULL << 56 | 0x51);
  rig_.chips.set_line(4, LineLevel::High);
  EXPECT_EQ(interrupted(), 1U << 17);
}

TEST_F(X2ApicTest, InitKeepsTheMode) {
  EXPECT_TRUE(write(0, 0x830, 1ULL << 32 | 0xc500));
  EXPECT_TRUE(rig_.chips.take_start_up(1).has_value());
  EXPECT_EQ(read(1, 0x802), 1);
  EXPECT_EQ(read(1, 0x80f), 0xff);
}

TEST_F(X2ApicTest, PageIsEmpty) {
  EXPECT_EQ(rig_.read_apic(0, 0x030), 0xffff'ffff);
  rig_.write_apic(0, 0x080, 0x55);
  EXPECT_EQ(read(0, 0x808), 0);
}

TEST_F(X2ApicTest, AccessesThatFaultOnHardwareFault) {
  // Reserved and write-only registers cannot be read...
  for (std::uint32_t const msr :
       {0x800, 0x801, 0x809, 0x80b, 0x80c, 0x80e, 0x82f, 0x831, 0x83f, 0x840, 0x8ff}) {
    EXPECT_EQ(read(0, msr), std::nullopt) << std::hex << msr;
  }
  // ... reserved and read-only ones not written...
  for (std::uint32_t const msr : {0x800, 0x802, 0x803, 0x809, 0x80a, 0x80d, 0x80e, 0x810, 0x81f,
                                  0x827, 0x82f, 0x831, 0x839, 0x840, 0x8ff}) {
    EXPECT_FALSE(write(0, msr, 0)) << std::hex << msr;
  }
  // ... and reserved bits not set.
  struct Case {
    std::uint32_t msr;
    std::uint64_t value;
  };
  for (auto [msr, value] : {Case{0x808, 0x100},
                            {0x80b, 1},
                            {0x80f, 0x11ff},
                            {0x828, 1},
                            {0x830, 0x2051},
                            {0x830, 0x10051},
                            {0x832, 0x800ec},
                            {0x835, 0x800},
                            {0x838, 1ULL << 32},
                            {0x83e, 4},
                            {0x83f, 0x151}}) {
    EXPECT_FALSE(write(0, msr, value)) << std::hex << msr;
  }
}

TEST_F(X2ApicTest, RegistersFaultOutsideItsMode) {
  testing::ChipSetRig xapic;
  EXPECT_EQ(xapic.chips.msr_read(0, 0x802), std::nullopt);
  EXPECT_FALSE(xapic.chips.msr_write(0, 0x80b, 0));
}

TEST_F(X2ApicTest, TimerWorksThroughMsrs) {
  EXPECT_TRUE(write(2, 0x83e, 0xb));
  EXPECT_TRUE(write(2, 0x832, 0xec));
  EXPECT_TRUE(write(2, 0x838, 1000));
  rig_.pass(250);
  EXPECT_EQ(read(2, 0x839), 750);
  rig_.pass(750);
  EXPECT_EQ(interrupted(), 1U << 2);
}

}  // namespace
}  // namespace bh::vmm::chip
