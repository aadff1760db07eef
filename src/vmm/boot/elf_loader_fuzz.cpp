#include <cstdlib>

#include "vmm/boot/elf_loader.h"

// Any bytes are loaded or refused, and what is loaded lies in memory.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace bh::vmm;
  auto memory = GuestMemory::create(std::uint64_t{4} << 20);
  if (!memory) std::abort();
  boot::MemorySource const source(std::as_bytes(std::span(data, size)));
  auto const kernel = boot::load_elf(*memory, source);
  if (!kernel) {
    if (kernel.error().message.empty()) std::abort();
    return 0;
  }
  if (memory->host_address(kernel->entry, 1) == nullptr) std::abort();
  auto const pvh_entry = kernel->pvh_entry.value_or(kernel->entry);
  if (memory->host_address(pvh_entry, 1) == nullptr) std::abort();
  if (kernel->end.value > memory->size()) std::abort();
  return 0;
}
