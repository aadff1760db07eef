#include "vmm/soft/system/host_features.h"

#include <cpuid.h>

namespace bh::vmm::soft {

namespace {

std::uint64_t read_xcr0() {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<std::uint64_t>(high) << 32 | low;
}

HostFeatures ask() {
  HostFeatures host;
  auto const word = [&host](FeatureWord which) -> std::uint32_t& {
    return host.words[static_cast<std::size_t>(which)];
  };
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint32_t c = 0;
  std::uint32_t d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) != 0) {
    word(FeatureWord::Leaf1Ecx) = c;
    word(FeatureWord::Leaf1Edx) = d;
  }
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0) {
    word(FeatureWord::Leaf7Ebx) = b;
    word(FeatureWord::Leaf7Edx) = d;
  }
  if (__get_cpuid(0x8000'0001, &a, &b, &c, &d) != 0) {
    word(FeatureWord::Extended1Ecx) = c;
    word(FeatureWord::Extended1Edx) = d;
  }
  constexpr std::uint32_t kOsxsave = 1u << 27;
  if ((host[FeatureWord::Leaf1Ecx] & kOsxsave) != 0) host.xcr0 = read_xcr0();
  return host;
}

}  // namespace

HostFeatures const& host_features() {
  static HostFeatures const kHost = ask();
  return kHost;
}

}  // namespace bh::vmm::soft
