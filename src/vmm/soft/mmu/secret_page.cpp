#include "vmm/soft/mmu/secret_page.h"

#include <sys/random.h>

#include "vmm/memory/guest_address.h"

namespace bh::vmm::soft {

std::uint64_t secret_page() {
  constexpr std::uint64_t kNegative = std::uint64_t{1} << 63;
  constexpr std::uint64_t kSign = std::uint64_t{1} << 62;
  std::uint64_t random = 0;
  // Cannot fail for so few bytes; what is left then is a page nobody has all the same.
  if (::getrandom(&random, sizeof random, 0) != sizeof random) random = 0;
  return ((random | kNegative) & ~kSign) & ~(kPageSize - 1);
}

}  // namespace bh::vmm::soft
