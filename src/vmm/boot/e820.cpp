#include "vmm/boot/e820.h"

#include <algorithm>

#include "vmm/boot/layout.h"

namespace bh::vmm::boot {

std::vector<E820Entry> memory_map(GuestMemory const& memory) {
  std::vector<E820Entry> map{
      {.start = {0}, .size = kBaseMemoryEnd.value, .type = E820Type::Ram},
      {.start = kBaseMemoryEnd,
       .size = kKernelFloor.value - kBaseMemoryEnd.value,
       .type = E820Type::Reserved},
  };
  for (auto const& region : memory.regions()) {
    GuestAddress const start = std::max(region.start, kKernelFloor);
    map.push_back(
        {.start = start, .size = region.end().value - start.value, .type = E820Type::Ram});
  }
  return map;
}

}  // namespace bh::vmm::boot
