#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vmm/soft/translate/piece.h"

namespace bh::vmm::soft {

/// What the translator makes of guest code, as text: the guest's instructions, then the host's,
/// with names for the vCPU's state and the gate's code. The same on every host.
std::string list_block(std::vector<std::uint8_t> const& code, TranslationMode mode);

}  // namespace bh::vmm::soft
