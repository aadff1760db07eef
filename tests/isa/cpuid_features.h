#pragma once

#include <Zydis/Zydis.h>

#include <array>
#include <cstdint>
#include <functional>
#include <set>

namespace bh::isa {

/// eax, ebx, ecx, edx of a leaf and subleaf.
using Cpuid = std::function<std::array<std::uint32_t, 4>(std::uint32_t, std::uint32_t)>;

/// The instruction sets that have a CPUID bit which is clear.
std::set<ZydisISASet> sets_not_offered(Cpuid const& cpuid);

}  // namespace bh::isa
