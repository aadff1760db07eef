#pragma once

#include <cstdint>

namespace bh::bench {

/// One round of four small programs over data that fits the first-level cache: a linked list that
/// is searched, reversed and merge-sorted; products of small matrices; a state machine that reads
/// numbers out of text; and a CRC over what these found, which is returned. Branches, loads and
/// multiplications as ordinary embedded code mixes them. Not CoreMark: only like it.
std::uint16_t coremark_like_round(std::uint16_t seed);

}  // namespace bh::bench
