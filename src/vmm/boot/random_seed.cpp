#include "vmm/boot/random_seed.h"

#include <asm/bootparam.h>
#include <sys/random.h>

#include <array>
#include <cerrno>

#include "vmm/boot/layout.h"

namespace bh::vmm::boot {

Result<GuestAddress> write_random_seed(GuestMemory& memory) {
  static_assert(sizeof(setup_data) == 16, "boot.rst, setup_data");
  // As much as the kernel's generator holds as its key.
  std::array<std::byte, 32> seed{};
  if (::getrandom(seed.data(), seed.size(), 0) != static_cast<ssize_t>(seed.size())) {
    return fail_errno("getrandom", errno);
  }
  setup_data header{};
  header.type = SETUP_RNG_SEED;
  header.len = seed.size();
  BH_TRY(memory.write_object(kSetupData, header));
  BH_TRY(memory.write(kSetupData + sizeof header, seed));
  return kSetupData;
}

}  // namespace bh::vmm::boot
