#pragma once

#include <cstdint>

#include "vmm/soft/state/cpu.h"
#include "vmm/soft/system/host_features.h"

namespace bh::vmm::soft {

/// The feature bits `word` shows to this guest.
std::uint32_t offered_features(Cpu const& cpu, FeatureWord word);

}  // namespace bh::vmm::soft
