#pragma once

#include <cstdint>

namespace bh::vmm::soft {

/// A page of addresses that are not canonical, and that no guest can guess: for entries that must
/// match nothing.
std::uint64_t secret_page();

}  // namespace bh::vmm::soft
