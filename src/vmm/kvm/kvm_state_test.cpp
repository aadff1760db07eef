#include "vmm/kvm/kvm_state.h"

#include <gtest/gtest.h>

#include <array>

#include "vmm/kvm/kvm_msr.h"

namespace bh::vmm::kvm {
namespace {

TEST(KvmMsrTest, PutsMsrsIntoWritingOrder) {
  // The deadline counts from the TSC.
  std::array const msrs{Msr{.index = 0x6e0, .value = 1}, Msr{.index = 0x10, .value = 2}};
  auto const ordered = in_writing_order(msrs, state_msrs());
  ASSERT_TRUE(ordered);
  EXPECT_EQ((*ordered)[0].index, 0x10u);
  EXPECT_EQ((*ordered)[1].index, 0x6e0u);
}

TEST(KvmMsrTest, RefusesAnUnknownMsr) {
  std::array const msrs{Msr{.index = 0x10}, Msr{.index = 0xdead}};
  auto const ordered = in_writing_order(msrs, state_msrs());
  ASSERT_FALSE(ordered);
  EXPECT_EQ(ordered.error().code, Errc::Unsupported);
  EXPECT_EQ(ordered.error().message, "MSR 0xdead is not one that KVM saves for this vCPU");
}

TEST(KvmMsrTest, RefusesAnMsrThatIsThereTwice) {
  std::array const msrs{Msr{.index = 0x10}, Msr{.index = 0x10}};
  auto const ordered = in_writing_order(msrs, state_msrs());
  ASSERT_FALSE(ordered);
  EXPECT_EQ(ordered.error().message, "MSR 0x10 is there twice");
}

TEST(KvmStateTest, RefusesToSaveWhileAnEventIsOnItsWay) {
  RawState raw;
  raw.activity.mp_state = KVM_MP_STATE_RUNNABLE;
  EXPECT_TRUE(to_state(raw));
  raw.events.interrupt.injected = 1;
  auto const state = to_state(raw);
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, Errc::Busy);
}

TEST(KvmStateTest, TakesXcr0FromKvmsListAndPutsItBack) {
  RawState raw;
  raw.activity.mp_state = KVM_MP_STATE_RUNNABLE;
  raw.general.rflags = 2;
  raw.xcrs.nr_xcrs = 1;
  raw.xcrs.xcrs[0].value = 7;
  auto const state = to_state(raw);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->system.xcr0, 7u);
  auto const back = to_raw(*state, raw, {});
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->xcrs.xcrs[0].value, 7u);
}

TEST(KvmStateTest, RefusesXcr0OnACpuWithoutXsave) {
  VcpuState state;
  state.system.xcr0 = 3;
  auto const raw = to_raw(state, RawState{}, {});
  ASSERT_FALSE(raw);
  EXPECT_EQ(raw.error().code, Errc::Unsupported);
}

}  // namespace
}  // namespace bh::vmm::kvm
