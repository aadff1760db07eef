#include "vmm/chip/local_apic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vmm/chip/testing/chip_set_rig.h"

namespace bh::vmm::chip {
namespace {

using ::testing::Optional;

constexpr std::uint64_t kXApicBase = 0xfee0'0900;
constexpr std::uint64_t kX2ApicBase = 0xfee0'0d00;

// One local APIC with its page, as vCPU 0 sees it; what it sends comes back to it.
class LocalApicTest : public ::testing::Test {
 protected:
  LocalApicTest() { rig_.enable_apic(0); }

  void write(unsigned offset, std::uint32_t value) { rig_.write_apic(0, offset, value); }
  std::uint32_t read(unsigned offset) { return rig_.read_apic(0, offset); }
  void interrupt(std::uint8_t vector) { write(0x300, 1U << 18 | vector); }
  std::optional<std::uint8_t> acknowledge() { return rig_.chips.acknowledge(0); }
  bool pending() const { return rig_.chips.interrupt_pending(0); }

  testing::ChipSetRig rig_;
};

TEST_F(LocalApicTest, StartsSoftwareDisabledWithItsLvtMaskedButForTheVirtualWire) {
  testing::ChipSetRig fresh(2);
  EXPECT_EQ(fresh.read_apic(1, 0x020), 1U << 24);
  EXPECT_EQ(fresh.read_apic(0, 0x030), 0x0005'0014);
  EXPECT_EQ(fresh.read_apic(0, 0x0e0), 0xffff'ffff);
  EXPECT_EQ(fresh.read_apic(0, 0x0f0), 0xff);
  EXPECT_EQ(fresh.read_apic(1, 0x350), 0x10000);
  for (unsigned offset = 0x320; offset <= 0x370; offset += 0x10) {
    EXPECT_EQ(fresh.read_apic(0, offset), offset == 0x350 ? 0x700 : 0x10000) << offset;
  }
}

TEST_F(LocalApicTest, HighestVectorGoesFirstAndHoldsItsClassBack) {
  interrupt(0x41);
  interrupt(0x62);
  EXPECT_EQ(acknowledge(), 0x62);
  EXPECT_EQ(read(0x0a0), 0x60);
  interrupt(0x6f);
  EXPECT_FALSE(pending()) << "same class as the one in service";
  rig_.end_interrupt(0);
  EXPECT_EQ(acknowledge(), 0x6f);
}

TEST_F(LocalApicTest, NestedInterruptsEndInReverseOrder) {
  interrupt(0x41);
  EXPECT_EQ(acknowledge(), 0x41);
  interrupt(0x92);
  EXPECT_EQ(acknowledge(), 0x92);
  EXPECT_EQ(read(0x100 + 0x10 * (0x41 / 32)), 1U << (0x41 % 32));
  EXPECT_EQ(read(0x100 + 0x10 * (0x92 / 32)), 1U << (0x92 % 32));
  EXPECT_EQ(read(0x0a0), 0x90);
  rig_.end_interrupt(0);
  EXPECT_EQ(read(0x0a0), 0x40);
  rig_.end_interrupt(0);
  EXPECT_EQ(read(0x0a0), 0x00);
}

TEST_F(LocalApicTest, SameVectorTwiceBeforeItIsTakenIsOne) {
  interrupt(0x41);
  interrupt(0x41);
  EXPECT_EQ(acknowledge(), 0x41);
  interrupt(0x41);
  rig_.end_interrupt(0);
  EXPECT_EQ(acknowledge(), 0x41) << "requested again while in service";
  rig_.end_interrupt(0);
  EXPECT_EQ(acknowledge(), std::nullopt);
}

TEST_F(LocalApicTest, TaskPriorityIsTheProcessorsUnlessServiceIsHigher) {
  write(0x080, 0x53);
  EXPECT_EQ(read(0x0a0), 0x53);
  EXPECT_EQ(rig_.chips.task_priority(0), 5);
  interrupt(0x61);
  acknowledge();
  EXPECT_EQ(read(0x0a0), 0x60);
  write(0x080, 0x6c);
  EXPECT_EQ(read(0x0a0), 0x6c);
}

TEST_F(LocalApicTest, ArbitrationPriorityWeighsRequestsToo) {
  write(0x080, 0x53);
  EXPECT_EQ(read(0x090), 0x53);
  interrupt(0x77);
  EXPECT_EQ(read(0x090), 0x70);
}

TEST_F(LocalApicTest, EoiWithNothingInServiceDoesNothing) {
  rig_.end_interrupt(0);
  interrupt(0x41);
  EXPECT_EQ(acknowledge(), 0x41);
}

TEST_F(LocalApicTest, SoftwareDisablingMasksTheLvtAndRefusesInterrupts) {
  interrupt(0x41);
  write(0x320, 0xec);
  write(0x0f0, 0x0ff);
  EXPECT_EQ(read(0x320), 0x100ec);
  write(0x320, 0xec);
  EXPECT_EQ(read(0x320), 0x100ec) << "cannot be unmasked while disabled";
  interrupt(0x51);
  EXPECT_EQ(acknowledge(), 0x41) << "what was pending stays";
  EXPECT_FALSE(pending());
}

TEST_F(LocalApicTest, LvtKeepsOnlyTheBitsItsEntriesHave) {
  struct Case {
    unsigned offset;
    std::uint32_t kept;
  };
  for (auto [offset, kept] : {Case{0x320, 0x700ff},
                              {0x330, 0x107ff},
                              {0x340, 0x107ff},
                              {0x350, 0x1a7ff},
                              {0x360, 0x1a7ff},
                              {0x370, 0x100ff}}) {
    write(offset, 0xffff'ffff);
    EXPECT_EQ(read(offset), kept) << offset;
  }
}

TEST_F(LocalApicTest, RegistersReadBackWhatWasWrittenAndIgnoreWritesToTheFixedOnes) {
  struct Case {
    unsigned offset;
    std::uint32_t written;
    std::uint32_t read;
  };
  for (auto [offset, written, expected] : {Case{0x020, 0x0500'0000, 0},
                                           {0x030, 0, 0x0005'0014},
                                           {0x080, 0x123, 0x23},
                                           {0x0b0, 0, 0},
                                           {0x0c0, 5, 0},
                                           {0x0d0, 0x1234'5678, 0x1200'0000},
                                           {0x0e0, 0, 0x0fff'ffff},
                                           {0x100, 1, 0},
                                           {0x310, 0x1234'5678, 0x1200'0000},
                                           {0x300, 0xc4400, 0xc4400},
                                           {0x380, 77, 77},
                                           {0x390, 5, 77},
                                           {0x3e0, 0xff, 0x0b}}) {
    write(offset, written);
    EXPECT_EQ(read(offset), expected) << std::hex << offset;
  }
}

TEST_F(LocalApicTest, SendingAnIllegalVectorIsAnErrorThatInterrupts) {
  write(0x370, 0xfe);
  interrupt(0x0f);
  EXPECT_EQ(acknowledge(), 0xfe);
  EXPECT_EQ(read(0x280), 0) << "latched by a write only";
  write(0x280, 0);
  EXPECT_EQ(read(0x280), 0x20);
  write(0x280, 0);
  EXPECT_EQ(read(0x280), 0);
}

TEST_F(LocalApicTest, ReceivingAnIllegalVectorIsAnError) {
  rig_.route(5, 0x03);
  rig_.chips.set_line(5, LineLevel::High);
  write(0x280, 0);
  EXPECT_EQ(read(0x280), 0x40);
  EXPECT_FALSE(pending());
}

TEST_F(LocalApicTest, IllegalErrorVectorDoesNotReportItselfForEver) {
  write(0x370, 0x03);
  interrupt(0x0f);
  write(0x280, 0);
  EXPECT_EQ(read(0x280), 0x60);
}

TEST_F(LocalApicTest, UnknownRegisterIsAnError) {
  EXPECT_EQ(read(0x040), 0);
  write(0x280, 0);
  EXPECT_EQ(read(0x280), 0x80);
  write(0x3f0, 0x41);
  write(0x280, 0);
  EXPECT_EQ(read(0x280), 0x80);
  EXPECT_FALSE(pending()) << "self IPI is an x2APIC register";
}

TEST_F(LocalApicTest, PartsOfARegisterCanBeReadButNotWritten) {
  std::array<std::byte, 1> version{};
  rig_.chips.mmio_read(0, kLocalApicAddress + 0x32, version);
  EXPECT_EQ(version[0], std::byte{0x05});
  std::array const priority{std::byte{0x55}};
  rig_.chips.mmio_write(0, kLocalApicAddress + 0x80, priority);
  EXPECT_EQ(read(0x080), 0);
}

TEST_F(LocalApicTest, TimerInterruptsOnceItsCountEnds) {
  write(0x3e0, 0x3);
  write(0x320, 0xec);
  write(0x380, 1000);
  rig_.pass(4000);
  EXPECT_EQ(read(0x390), 750);
  rig_.pass(11'999);
  EXPECT_FALSE(pending());
  rig_.pass(1);
  EXPECT_EQ(acknowledge(), 0xec);
}

TEST_F(LocalApicTest, MaskedTimerCountsWithoutADeadline) {
  write(0x3e0, 0xb);
  write(0x320, 0x100ec);
  write(0x380, 1000);
  EXPECT_EQ(rig_.chips.next_deadline(), std::nullopt);
  rig_.clock.pass(400);
  EXPECT_EQ(read(0x390), 600);
  rig_.clock.pass(600);
  write(0x320, 0xec);
  EXPECT_FALSE(pending()) << "it ended while masked";
  EXPECT_EQ(rig_.chips.next_deadline(), std::nullopt);
}

TEST_F(LocalApicTest, PeriodicTimerKeepsItsPace) {
  write(0x3e0, 0xb);
  write(0x320, 0x200ec);
  write(0x380, 1'000'000);
  unsigned ticks = 0;
  for (int i = 0; i < 1000; ++i) {
    rig_.pass(333'333);
    if (acknowledge()) {
      ++ticks;
      rig_.end_interrupt(0);
    }
  }
  EXPECT_EQ(ticks, 333);
}

TEST_F(LocalApicTest, TscDeadlineFiresWhenTheGuestsTscIsThere) {
  write(0x320, 0x400ec);
  std::uint64_t const offset = 1'000'000ULL - rig_.clock.tsc();
  rig_.chips.set_tsc_offset(0, offset);
  EXPECT_TRUE(rig_.chips.msr_write(0, apic::kTscDeadlineMsr, 1'020'000));
  EXPECT_EQ(rig_.chips.next_deadline(), rig_.clock.now() + 10'000);
  rig_.pass(9'999);
  EXPECT_FALSE(pending());
  EXPECT_EQ(rig_.chips.msr_read(0, apic::kTscDeadlineMsr), 1'020'000);
  rig_.pass(1);
  EXPECT_EQ(acknowledge(), 0xec);
  EXPECT_EQ(rig_.chips.msr_read(0, apic::kTscDeadlineMsr), 0);
}

TEST_F(LocalApicTest, TscDeadlineInThePastFiresAtOnce) {
  write(0x320, 0x400ec);
  EXPECT_TRUE(rig_.chips.msr_write(0, apic::kTscDeadlineMsr, 1));
  EXPECT_EQ(acknowledge(), 0xec);
  EXPECT_EQ(rig_.chips.next_deadline(), std::nullopt);
}

TEST_F(LocalApicTest, MovingTheTscMovesTheDeadline) {
  write(0x320, 0x400ec);
  rig_.chips.msr_write(0, apic::kTscDeadlineMsr, rig_.clock.tsc() + 20'000);
  rig_.chips.set_tsc_offset(0, 10'000);
  EXPECT_EQ(rig_.chips.next_deadline(), rig_.clock.now() + 5'000);
}

TEST_F(LocalApicTest, ModesChangeOnlyAsTheStateDiagramHasIt) {
  constexpr std::uint64_t kDisabled = 0xfee0'0100;
  constexpr std::uint64_t kInvalid = 0xfee0'0500;
  struct Step {
    std::uint64_t to;
    bool legal;
  };
  for (auto [to, legal] : {Step{kInvalid, false},
                           {kX2ApicBase, true},
                           {kXApicBase, false},
                           {kInvalid, false},
                           {kDisabled, true},
                           {kX2ApicBase, false},
                           {kInvalid, false},
                           {kXApicBase, true},
                           {kXApicBase, true},
                           {kDisabled, true}}) {
    auto const before = rig_.chips.msr_read(0, apic::kBaseMsr);
    EXPECT_EQ(rig_.chips.msr_write(0, apic::kBaseMsr, to), legal);
    EXPECT_EQ(rig_.chips.msr_read(0, apic::kBaseMsr), legal ? to : before);
  }
}

TEST_F(LocalApicTest, PageCannotMoveAndReservedBitsCannotBeSet) {
  for (std::uint64_t const value : {0xfed0'0900ULL, 0xfee0'0901ULL, 0x80'0000'fee0'0900ULL}) {
    EXPECT_FALSE(rig_.chips.msr_write(0, apic::kBaseMsr, value));
  }
}

TEST_F(LocalApicTest, DisabledApicHasAnEmptyPageAndStartsOverWhenEnabled) {
  write(0x080, 0x33);
  interrupt(0x41);
  ASSERT_TRUE(rig_.chips.msr_write(0, apic::kBaseMsr, 0xfee0'0100));
  EXPECT_EQ(read(0x080), 0xffff'ffff);
  EXPECT_FALSE(pending());
  ASSERT_TRUE(rig_.chips.msr_write(0, apic::kBaseMsr, kXApicBase));
  EXPECT_EQ(read(0x080), 0);
  EXPECT_EQ(read(0x0f0), 0xff);
}

TEST_F(LocalApicTest, RestoresWhatItSavedAndRefusesNonsense) {
  write(0x320, 0x200ec);
  write(0x380, 5000);
  interrupt(0x41);
  interrupt(0x52);
  acknowledge();
  auto const state = rig_.chips.save();
  auto const refused = [this, &state](auto spoil) {
    auto broken = state;
    spoil(broken.local_apics[0]);
    auto const restored = rig_.chips.restore(broken);
    return !restored && restored.error().code == Errc::Corrupt && rig_.chips.save() == state;
  };
  EXPECT_TRUE(refused([](LocalApicState& s) { s.base = 0xfee0'0500; }));
  EXPECT_TRUE(refused([](LocalApicState& s) { s.base = 0xfed0'0900; }));
  EXPECT_TRUE(refused([](LocalApicState& s) { s.requests[0] = 1; }));
  EXPECT_TRUE(refused([](LocalApicState& s) { s.lvt[0] = 1U << 31; }));
  EXPECT_TRUE(refused([](LocalApicState& s) { s.task_priority = 0x100; }));
  EXPECT_TRUE(refused([](LocalApicState& s) { s.timer.age = ~0ULL; }));
  rig_.end_interrupt(0);
  ASSERT_TRUE(rig_.chips.restore(state));
  EXPECT_EQ(rig_.chips.save(), state);
  rig_.end_interrupt(0);
  EXPECT_EQ(acknowledge(), 0x41);
}

}  // namespace
}  // namespace bh::vmm::chip
