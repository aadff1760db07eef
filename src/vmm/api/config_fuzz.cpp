#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "vmm/api/config.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  // The same bytes as what a configuration names.
  [[maybe_unused]] auto const cpu =
      bh::vmm::parse_cpu_template({reinterpret_cast<char const*>(data), size});
  auto const config = bh::vmm::parse_config({reinterpret_cast<char const*>(data), size});
  // What is accepted must be within the limits that the builder relies on.
  if (config && (config->machine.vcpu_count < 1 || config->machine.vcpu_count > 32 ||
                 config->machine.mem_size_mib < 1)) {
    std::abort();
  }
  return 0;
}
