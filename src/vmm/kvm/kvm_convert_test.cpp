#include "vmm/kvm/kvm_convert.h"

#include <gtest/gtest.h>

#include <cstring>
#include <span>

namespace bh::vmm::kvm {
namespace {

constexpr std::uint16_t kInitialControl = 0x37f;
constexpr std::uint32_t kInitialMxcsr = 0x1f80;

void put(std::span<std::byte> bytes, std::size_t offset, auto value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

template <typename T>
T at(std::span<std::byte const> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

Segment some_segment(std::uint16_t selector) {
  return {.base = 0x1000u * selector,
          .limit = 0xfffff,
          .selector = selector,
          .type = 11,
          .present = 1,
          .dpl = 3,
          .db = 1,
          .s = 1,
          .l = 1,
          .g = 1,
          .avl = 1,
          .unusable = 1};
}

TEST(KvmConvertTest, KeepsGeneralRegisters) {
  GeneralRegisters registers;
  for (std::size_t i = 0; i < registers.gpr.size(); ++i) registers.gpr[i] = 100 + i;
  registers.rip = 0xffff'8000'1234'5678;
  registers.rflags = 0x246;
  EXPECT_EQ(to_general(from_general(registers)), registers);
  EXPECT_EQ(from_general(registers).rsp, 100u + Rsp);
  EXPECT_EQ(from_general(registers).r15, 115u);
}

TEST(KvmConvertTest, KeepsSystemRegisters) {
  SystemRegisters registers;
  for (std::uint16_t i = 0; i < 6; ++i) registers.segments[i] = some_segment(i);
  registers.tr = some_segment(40);
  registers.ldt = some_segment(41);
  registers.gdt = {.base = 0x4000, .limit = 0x7f};
  registers.idt = {.base = 0x5000, .limit = 0xfff};
  registers.cr0 = 1;
  registers.cr2 = 2;
  registers.cr3 = 3;
  registers.cr4 = 4;
  registers.cr8 = 8;
  registers.efer = 0x500;
  registers.apic_base = 0xfee0'0900;
  EXPECT_EQ(to_system(from_system(registers)), registers);
  EXPECT_EQ(from_system(registers).cs.selector, Cs);
  EXPECT_EQ(from_system(registers).gs.selector, Gs);
}

TEST(KvmConvertTest, KeepsDebugRegisters) {
  DebugRegisters const registers{.address = {1, 2, 3, 4}, .dr6 = 0xffff'0ff1, .dr7 = 0x403};
  EXPECT_EQ(to_debug(from_debug(registers)), registers);
}

TEST(KvmConvertTest, KeepsFpuState) {
  FpuState fpu;
  put(fpu.fxsave, 0, kInitialControl);
  put(fpu.fxsave, 24, kInitialMxcsr);
  put(fpu.fxsave, 32, std::uint64_t{0x8000'0000'0000'0000});
  put(fpu.fxsave, 160 + 15 * 16, std::uint64_t{0x1234});
  fpu.ymm_high[15][0] = std::byte{0x56};
  EXPECT_EQ(to_fpu(from_fpu(fpu)), fpu);
}

TEST(KvmConvertTest, DoesNotClaimAvxForACpuWithoutIt) {
  FpuState fpu;
  EXPECT_EQ(at<std::uint64_t>(from_fpu(fpu).bytes, 512), 3u);
  fpu.ymm_high[3][5] = std::byte{1};
  EXPECT_EQ(at<std::uint64_t>(from_fpu(fpu).bytes, 512), 7u);
}

TEST(KvmConvertTest, TurnsAbsentComponentsIntoTheirInitialState) {
  XsaveArea area;
  area.bytes.fill(std::byte{0xee});
  put(area.bytes, 512, std::uint64_t{0});
  FpuState const fpu = to_fpu(area);
  EXPECT_EQ(at<std::uint16_t>(fpu.fxsave, 0), kInitialControl);
  EXPECT_EQ(at<std::uint32_t>(fpu.fxsave, 24), kInitialMxcsr);
  EXPECT_EQ(at<std::uint64_t>(fpu.fxsave, 32), 0u);
  EXPECT_EQ(at<std::uint64_t>(fpu.fxsave, 160), 0u);
  EXPECT_EQ(fpu.ymm_high, FpuState{}.ymm_high);
}

TEST(KvmConvertTest, KeepsMxcsrWhenOnlySseIsThere) {
  XsaveArea area;
  put(area.bytes, 24, std::uint32_t{0x3f80});
  put(area.bytes, 512, std::uint64_t{2});
  EXPECT_EQ(at<std::uint32_t>(to_fpu(area).fxsave, 24), 0x3f80u);
}

TEST(KvmConvertTest, LeavesTheHostsPartsOfTheAreaOut) {
  XsaveArea area;
  put(area.bytes, 28, std::uint32_t{0x2ffff});
  put(area.bytes, 464, std::uint64_t{0x4650'5853});
  put(area.bytes, 512, std::uint64_t{3});
  FpuState const fpu = to_fpu(area);
  EXPECT_EQ(at<std::uint32_t>(fpu.fxsave, 28), 0u);
  EXPECT_EQ(at<std::uint64_t>(fpu.fxsave, 464), 0u);
}

TEST(KvmConvertTest, NamesWhatAVcpuIsDoing) {
  for (auto const activity : {Activity::Running, Activity::Halted, Activity::WaitForSipi}) {
    EXPECT_EQ(to_activity(from_activity(activity)), activity);
  }
  EXPECT_EQ(to_activity({KVM_MP_STATE_UNINITIALIZED}), Activity::WaitForSipi);
  EXPECT_EQ(to_activity({KVM_MP_STATE_SIPI_RECEIVED}).error().code, Errc::Busy);
}

TEST(KvmConvertTest, AcceptsTheStateAfterReset) {
  VcpuState state;
  put(state.fpu.fxsave, 24, kInitialMxcsr);
  EXPECT_TRUE(check(state));
}

TEST(KvmConvertTest, RefusesStatesThatNoCpuHas) {
  using Break = void (*)(VcpuState&);
  constexpr Break kBreaks[] = {
      [](VcpuState& state) { state.general.rflags = 0; },
      [](VcpuState& state) { state.general.rflags |= 1u << 3; },
      [](VcpuState& state) { state.general.rflags |= std::uint64_t{1} << 40; },
      [](VcpuState& state) { state.system.xcr0 = 2; },
      [](VcpuState& state) { state.system.xcr0 = 0xe7; },
      [](VcpuState& state) { state.system.cr8 = 16; },
      [](VcpuState& state) { put(state.fpu.fxsave, 24, std::uint32_t{0x1'0000}); },
      [](VcpuState& state) { state.debug.dr7 |= std::uint64_t{1} << 32; },
      [](VcpuState& state) { state.debug.dr6 |= std::uint64_t{1} << 63; },
  };
  for (Break const each : kBreaks) {
    VcpuState state;
    each(state);
    EXPECT_FALSE(check(state)) << &each - kBreaks;
  }
}

}  // namespace
}  // namespace bh::vmm::kvm
