#include "vmm/soft/store/block_image.h"

#include <cstring>
#include <utility>

namespace bh::vmm::soft {

namespace {

void add_to(std::uint8_t* at, std::uint32_t value) {
  std::uint32_t number = 0;
  std::memcpy(&number, at, sizeof number);
  number += value;
  std::memcpy(at, &number, sizeof number);
}

}  // namespace

BlockImage::BlockImage(Place const& place, std::span<std::uint8_t const> code, Fixups fixups,
                       std::span<Site const> sites, std::span<TrapPoint const> traps,
                       std::span<Op const> ops, Entries entries)
    : code_(code.begin(), code.end()) {
  for (auto const at : fixups.gate_jumps) add_to(&code_[at], place.start);
  for (auto const at : fixups.numbers) add_to(&code_[at], -place.first_site);
  image_.key = CodeImage::key_of_source(place.source, place.page_offset, place.mode);
  image_.source = place.source;
  image_.code = code_;
  image_.gate_jumps = std::move(fixups.gate_jumps);
  image_.numbers = std::move(fixups.numbers);
  image_.sites.assign(sites.begin(), sites.end());
  for (auto& site : image_.sites) {
    for (auto* const at : {&site.go_on, &site.patch, &site.unlinked}) {
      if (*at != 0) *at -= place.start;
    }
    if (site.op != Site::kNone) site.op -= place.first_op;
  }
  image_.traps.assign(traps.begin(), traps.end());
  for (auto& trap : image_.traps) trap.host -= place.start;
  image_.ops.assign(ops.begin(), ops.end());
  for (auto* const at : {&entries.external, &entries.saved, &entries.host}) *at -= place.start;
  image_.entries = entries;
}

}  // namespace bh::vmm::soft
