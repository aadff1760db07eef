#include "vmm/kvm/kvm_cpuid.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace bh::vmm::kvm {
namespace {

using Entries = std::vector<kvm_cpuid_entry2>;

/// A host with everything switched on.
Entries generous_host() {
  auto const all = [](std::uint32_t function, std::uint32_t index = 0) {
    return kvm_cpuid_entry2{
        .function = function, .index = index, .eax = ~0u, .ebx = ~0u, .ecx = ~0u, .edx = ~0u};
  };
  Entries entries{all(1),          all(4, 0),       all(7, 0),       all(7, 1),
                  all(0xa),        all(0xb, 0),     all(0xd, 0),     all(0xd, 1),
                  all(0xd, 2),     all(0xd, 9),     all(0x1d, 1),    all(0x1f, 0),
                  all(0x80000001), all(0x80000008), all(0x8000000a), all(0x8000001e),
                  all(0x40000001)};
  entries.push_back({.function = 0, .eax = 0x1f});
  // A first-level and a third-level cache, shared by 64 threads as the host says.
  entries.push_back({.function = 0x8000001d, .index = 0, .eax = 0xfc021});
  entries.push_back({.function = 0x8000001d, .index = 3, .eax = 0xfc063});
  return entries;
}

kvm_cpuid_entry2 leaf(Entries const& entries, std::uint32_t function, std::uint32_t index = 0) {
  auto const found = std::ranges::find_if(entries, [&](auto const& entry) {
    return entry.function == function && entry.index == index;
  });
  EXPECT_NE(found, entries.end()) << std::hex << function << "." << index;
  return found == entries.end() ? kvm_cpuid_entry2{} : *found;
}

bool has(std::uint32_t word, unsigned bit) {
  return (word >> bit & 1) != 0;
}

TEST(KvmCpuidTest, GivesEveryVcpuItsApicId) {
  auto const entries = cpuid_for(generous_host(), {.apic_id = 2, .vcpu_count = 3});
  EXPECT_EQ(leaf(entries, 1).ebx >> 24, 2u);
  EXPECT_EQ(leaf(entries, 1).ebx >> 16 & 0xff, 3u);
  EXPECT_EQ(leaf(entries, 0xb, 0).edx, 2u);
  EXPECT_EQ(leaf(entries, 0xb, 1).edx, 2u);
  EXPECT_EQ(leaf(entries, 0x8000001e).eax, 2u);
}

TEST(KvmCpuidTest, DescribesOnePackageOfCoresWithOneThread) {
  auto const entries = cpuid_for(generous_host(), {.apic_id = 0, .vcpu_count = 5});
  auto const threads = leaf(entries, 0xb, 0);
  EXPECT_EQ(threads.eax, 0u);
  EXPECT_EQ(threads.ebx, 1u);
  EXPECT_EQ(threads.ecx, 0x100u);
  auto const cores = leaf(entries, 0xb, 1);
  EXPECT_EQ(cores.eax, 3u) << "bits that number 5 cores";
  EXPECT_EQ(cores.ebx, 5u);
  EXPECT_EQ(cores.ecx, 0x201u);
  EXPECT_EQ(leaf(entries, 0x80000008).ecx & 0xff, 4u);
  EXPECT_EQ(leaf(entries, 0x80000008).ecx >> 12 & 0xf, 3u);
  EXPECT_EQ(std::ranges::count(entries, 0x1fu, &kvm_cpuid_entry2::function), 0);
}

TEST(KvmCpuidTest, SharesOnlyTheLastCacheLevel) {
  auto const entries = cpuid_for(generous_host(), {.apic_id = 0, .vcpu_count = 3});
  EXPECT_EQ(leaf(entries, 0x8000001d, 0).eax >> 14 & 0xfff, 0u);
  EXPECT_EQ(leaf(entries, 0x8000001d, 3).eax >> 14 & 0xfff, 3u);
  EXPECT_EQ(leaf(entries, 4, 0).eax >> 26, 3u);
}

TEST(KvmCpuidTest, SaysThatAHypervisorIsThere) {
  auto const entries = cpuid_for(generous_host(), {});
  EXPECT_TRUE(has(leaf(entries, 1).ecx, 31));
  auto const signature = leaf(entries, 0x40000000);
  EXPECT_EQ(signature.ebx, 0x4b4d564bu);
  EXPECT_EQ(signature.ecx, 0x564b4d56u);
  EXPECT_EQ(signature.edx, 0x4du);
}

TEST(KvmCpuidTest, OffersTheDeadlineTimerOnlyWithKvmsLapic) {
  EXPECT_TRUE(has(leaf(cpuid_for(generous_host(), {}), 1).ecx, 24));
  EXPECT_FALSE(has(leaf(cpuid_for(generous_host(), {.tsc_deadline = false}), 1).ecx, 24));
  auto const without = leaf(cpuid_for(generous_host(), {.local_apic = false}), 1);
  EXPECT_FALSE(has(without.ecx, 24));
  EXPECT_FALSE(has(without.ecx, 21));
  EXPECT_FALSE(has(without.edx, 9));
}

TEST(KvmCpuidTest, HidesWhatASavedStateCannotHold) {
  auto const entries = cpuid_for(generous_host(), {});
  EXPECT_FALSE(has(leaf(entries, 1).ecx, 5)) << "VMX";
  EXPECT_FALSE(has(leaf(entries, 0x80000001).ecx, 2)) << "SVM";
  EXPECT_FALSE(has(leaf(entries, 7).ebx, 16)) << "AVX512F";
  EXPECT_TRUE(has(leaf(entries, 7).ebx, 5)) << "AVX2";
  EXPECT_FALSE(has(leaf(entries, 7).ecx, 3)) << "PKU";
  EXPECT_FALSE(has(leaf(entries, 7).edx, 24)) << "AMX";
  EXPECT_EQ(leaf(entries, 0xa).eax, 0u);
  EXPECT_EQ(leaf(entries, 0x1d, 1).eax, 0u);
  EXPECT_EQ(leaf(entries, 0xd, 0).eax, 7u);
  EXPECT_EQ(leaf(entries, 0xd, 0).ecx, 832u);
  EXPECT_EQ(
      std::ranges::count_if(
          entries, [](auto const& entry) { return entry.function == 0xd && entry.index > 2; }),
      0);
}

}  // namespace
}  // namespace bh::vmm::kvm
