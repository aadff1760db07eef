#include "vmm/soft/cache/fetch.h"

#include "vmm/soft/mmu/access.h"

namespace bh::vmm::soft {

Flow fetch(Cpu& cpu, std::uint64_t linear, Fetched& out) {
  Place place;
  if (auto const flow = translate(cpu, linear, Access::Execute, current_privilege(cpu), place);
      flow != Flow::Next) {
    return flow;
  }
  if (place.host == nullptr) {
    cpu.exit = InternalError{"instruction fetch from a device or from beyond RAM"};
    return Flow::Exit;
  }
  out.host = place.host;
  out.page = cpu.machine->code_pages.page_of(place.host);
  // Before the bytes are read: a change in between makes the block out of date, never wrong.
  out.version = cpu.machine->code_pages.version(out.page);
  return Flow::Next;
}

std::span<std::uint8_t const> watched_bytes(Cpu& cpu, std::byte const* host, std::size_t size) {
  cpu.machine->code_pages.watch(host, size, &cpu.code_user);
  return {reinterpret_cast<std::uint8_t const*>(host), size};
}

}  // namespace bh::vmm::soft
