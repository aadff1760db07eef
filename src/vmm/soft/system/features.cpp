#include "vmm/soft/system/features.h"

#include "vmm/soft/system/host_features.h"

namespace bh::vmm::soft {

bool host_has_avx() {
  static bool const kHas = [] {
    auto const& host = host_features();
    constexpr std::uint32_t kOsxsave = 1u << 27;
    constexpr std::uint32_t kAvx = 1u << 28;
    constexpr std::uint32_t kAvx2 = 1u << 5;
    bool const offered = (host[FeatureWord::Leaf1Ecx] & kOsxsave) != 0 &&
                         (host[FeatureWord::Leaf1Ecx] & kAvx) != 0 &&
                         (host[FeatureWord::Leaf7Ebx] & kAvx2) != 0;
    return offered && (host.xcr0 & kXcr0Offered) == kXcr0Offered;
  }();
  return kHas;
}

}  // namespace bh::vmm::soft
