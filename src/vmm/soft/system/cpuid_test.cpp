#include "vmm/soft/system/cpuid.h"

#include <gtest/gtest.h>

#include <string>

#include "vmm/soft/system/cpuid_changes.h"
#include "vmm/soft/system/testing/system_cpu.h"

namespace bh::vmm::soft {
namespace {

class CpuidTest : public testing::Test {
 protected:
  CpuidResult ask(std::uint32_t leaf, std::uint32_t subleaf = 0) {
    return cpuid_leaf(machine_.cpu(), leaf, subleaf);
  }
  static std::string letters(std::initializer_list<std::uint32_t> words) {
    std::string text;
    for (auto const word : words) {
      for (unsigned shift = 0; shift < 32; shift += 8) text += static_cast<char>(word >> shift);
    }
    return text;
  }

  SystemCpu machine_ = SystemCpu::long_mode();
};

TEST_F(CpuidTest, IsAnIntelCpuOfFamily5) {
  auto const vendor = ask(0);
  EXPECT_EQ(letters({vendor.ebx, vendor.edx, vendor.ecx}), "GenuineIntel");
  EXPECT_EQ(ask(1).eax >> 8 & 0xf, 5u);
}

TEST_F(CpuidTest, IsChangedByATemplateThatTakesAway) {
  auto& wanted = machine_.cpu().machine->cpu_template;
  constexpr BitChange kNoSse42{.mask = 1u << 20, .value = 0};
  constexpr BitChange kStepping{.mask = 0xf, .value = 9};
  wanted.cpuid = {{.leaf = 1, .registers = {kStepping, {}, kNoSse42, {}}},
                  {.leaf = 4, .subleaf = 1, .registers = {BitChange{~0u, 0}}}};
  ASSERT_TRUE(check_template(machine_.cpu()));
  auto const before = ask(1);
  // Leaf 1 has no subleaves, whatever ECX holds.
  auto const after = changed_cpuid_leaf(machine_.cpu(), 1, 77);
  EXPECT_EQ(after.ecx, before.ecx & ~(1u << 20));
  EXPECT_EQ(after.eax & 0xf, 9u);
  EXPECT_EQ(after.edx, before.edx);
  EXPECT_EQ(changed_cpuid_leaf(machine_.cpu(), 4, 0), ask(4, 0));
  EXPECT_EQ(changed_cpuid_leaf(machine_.cpu(), 4, 1).eax, 0u);
}

TEST_F(CpuidTest, RefusesATemplateThatAdds) {
  auto& wanted = machine_.cpu().machine->cpu_template;
  constexpr BitChange kAvx512{.mask = 1u << 16, .value = 1u << 16};
  wanted.cpuid = {{.leaf = 7, .registers = {BitChange{}, kAvx512}}};
  EXPECT_EQ(check_template(machine_.cpu()).error().message,
            "cpu-config: CPUID leaf 0x7, ebx: the soft engine does not have the features of bits "
            "0x10000 (set them to 0 or x, or use --engine kvm)");
  wanted.cpuid = {{.leaf = 0x1f}};
  EXPECT_FALSE(check_template(machine_.cpu()));
  wanted.cpuid = {};
  wanted.msrs = {{.index = 0x10a}};
  EXPECT_FALSE(check_template(machine_.cpu()));
}

TEST_F(CpuidTest, ShowsKvmsSignatureAndItsStableClock) {
  auto const hypervisor = ask(0x4000'0000);
  EXPECT_EQ(letters({hypervisor.ebx, hypervisor.ecx, hypervisor.edx}),
            std::string("KVMKVMKVM\0\0\0", 12));
  EXPECT_EQ(ask(0x4000'0001).eax, 1u << 24 | 1u << 3 | 1u << 1 | 1u);
  EXPECT_NE(ask(1).ecx >> 31, 0u);
}

TEST_F(CpuidTest, WithholdsWhatTheEngineDoesNotDo) {
  auto const basic = ask(1);
  for (auto const bit :
       {3u, 5u, 12u, 17u, 26u, 27u, 28u, 29u}) {  // MONITOR VMX FMA PCID XSAVE AVX F16C
    EXPECT_EQ(basic.ecx >> bit & 1, 0u) << bit;
  }
  for (auto const bit : {1u, 7u, 9u, 12u, 14u}) {  // VME MCE; APIC without chips; MTRR MCA
    EXPECT_EQ(basic.edx >> bit & 1, 0u) << bit;
  }
  auto const extended = ask(7);
  for (auto const bit :
       {4u, 7u, 10u, 11u, 14u, 16u, 20u}) {  // HLE SMEP INVPCID RTM MPX AVX512F SMAP
    EXPECT_EQ(extended.ebx >> bit & 1, 0u) << bit;
  }
  EXPECT_EQ(extended.ecx, 0u);  // UMIP PKU LA57 RDPID CET
  EXPECT_EQ(ask(0xa), CpuidResult{});
  EXPECT_EQ(ask(0xd), CpuidResult{});
}

TEST_F(CpuidTest, ShowsWhatLinuxCannotDoWithout) {
  auto const basic = ask(1);
  for (auto const bit : {0u, 4u, 5u, 6u, 8u, 13u, 15u, 24u, 25u, 26u}) {
    EXPECT_EQ(basic.edx >> bit & 1, 1u) << bit;
  }
  auto const extended = ask(0x8000'0001);
  for (auto const bit : {11u, 20u, 26u, 27u, 29u}) EXPECT_EQ(extended.edx >> bit & 1, 1u) << bit;
  EXPECT_EQ(ask(0x8000'0007).edx, 1u << 8);
  EXPECT_EQ(ask(0x8000'0008).eax, 48u << 8 | 46u);
}

TEST_F(CpuidTest, TellsTheTscFrequency) {
  auto const leaf = ask(0x15);
  EXPECT_EQ(std::uint64_t{leaf.ecx} * leaf.ebx / leaf.eax,
            chip::testing::FakeClock::kTscKhz * 1000);
}

TEST_F(CpuidTest, NumbersVcpus) {
  machine_.cpu().machine->vcpu_count = 3;
  machine_.cpu().index = 2;
  EXPECT_EQ(ask(1).ebx >> 24, 2u);
  EXPECT_EQ(ask(1).ebx >> 16 & 0xff, 3u);
  EXPECT_NE(ask(1).edx >> 28 & 1, 0u);
  EXPECT_EQ(ask(0xb, 0), (CpuidResult{0, 1, 0x100, 2}));
  EXPECT_EQ(ask(0xb, 1), (CpuidResult{2, 3, 0x201, 2}));
  EXPECT_EQ(ask(0xb, 2), (CpuidResult{0, 0, 2, 2}));
}

TEST_F(CpuidTest, ClearsTheUpperHalvesOfRegisters) {
  Cpu& cpu = machine_.cpu();
  for (auto const reg : {Rax, Rbx, Rcx, Rdx}) cpu.gpr[reg] = ~std::uint64_t{0} << 32;
  ASSERT_EQ(machine_.run({0x0f, 0xa2}), Flow::Next);
  for (auto const reg : {Rax, Rbx, Rcx, Rdx}) EXPECT_EQ(cpu.gpr[reg] >> 32, 0u);
  EXPECT_EQ(cpu.gpr[Rax], 0x16u);
}

TEST_F(CpuidTest, AnswersUnknownLeavesWithZeros) {
  for (auto const leaf : {3u, 0x17u, 0x4000'0002u, 0x8000'0009u, 0xffff'ffffu}) {
    EXPECT_EQ(ask(leaf), CpuidResult{}) << leaf;
  }
}

}  // namespace
}  // namespace bh::vmm::soft
