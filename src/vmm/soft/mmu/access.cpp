#include "vmm/soft/mmu/access.h"

#include <algorithm>

#include "vmm/soft/mmu/walk.h"

namespace bh::vmm::soft {

namespace {

Flow page_fault(Cpu& cpu, std::uint64_t linear, std::uint32_t error_code) {
  cpu.cr2 = linear;
  return cpu.raise(kPageFault, error_code);
}

/// The chips at `physical`, if they answer there. They answer at once and take no part in a replay:
/// a block goes on after such an instruction, and an answer kept would be taken for that of the
/// next access. An instruction that touches a chip and a device does the former again when it
/// restarts.
chip::ChipSet* chips_at(Cpu const& cpu, std::uint64_t physical) {
  chip::ChipSet* const chips = cpu.machine->chips;
  return chips != nullptr && chips->owns_address({physical}) ? chips : nullptr;
}

/// Asks the outside, or takes the answer it gave when the instruction ran before. Up to 8 bytes.
Flow device_read(Cpu& cpu, std::uint64_t physical, std::span<std::byte> out) {
  if (auto* const chips = chips_at(cpu, physical)) {
    chips->mmio_read(cpu.index, {physical}, out);
    return Flow::Next;
  }
  if (auto const* answer = cpu.replay.next()) {
    std::memcpy(out.data(), answer, out.size());
    return Flow::Next;
  }
  auto const room = cpu.replay.append(out.size());
  if (room.empty()) return cpu.raise(kGeneralProtection, 0);
  cpu.exit = MmioRead{{physical}, room};
  return Flow::Exit;
}

Flow device_write(Cpu& cpu, std::uint64_t physical, std::span<std::byte const> data) {
  if (auto* const chips = chips_at(cpu, physical)) {
    chips->mmio_write(cpu.index, {physical}, data);
    return Flow::Next;
  }
  if (cpu.replay.next() != nullptr) return Flow::Next;
  auto const room = cpu.replay.append(data.size());
  if (room.empty()) return cpu.raise(kGeneralProtection, 0);
  std::memcpy(room.data(), data.data(), data.size());
  cpu.exit = MmioWrite{{physical}, room};
  return Flow::Exit;
}

/// Calls `piece(linear, bytes)` for each part of the range that lies in one page.
template <typename Bytes, typename Piece>
Flow for_each_page(Cpu const& cpu, std::uint64_t linear, Bytes bytes, Piece piece) {
  while (!bytes.empty()) {
    std::uint64_t const in_page = kPageSize - (linear & (kPageSize - 1));
    std::size_t const size = std::min<std::size_t>(bytes.size(), in_page);
    if (auto const flow = piece(linear, bytes.first(size)); flow != Flow::Next) return flow;
    bytes = bytes.subspan(size);
    linear += size;
    if (cpu.code_size != CodeSize::Bits64) linear = static_cast<std::uint32_t>(linear);
  }
  return Flow::Next;
}

}  // namespace

Flow translate(Cpu& cpu, std::uint64_t linear, Access access, Privilege privilege, Place& place) {
  if (std::byte* const host = cpu.mmu.tlb(privilege, access).find(linear, 1)) {
    place = {.host = host};
    return Flow::Next;
  }
  if (cpu.long_mode() && !is_canonical(linear)) {
    cpu.raise(kGeneralProtection, 0);
    cpu.exception.non_canonical = true;
    return Flow::Fault;
  }
  auto const translation = walk(cpu, linear, access, privilege);
  if (!translation.ok) return page_fault(cpu, linear, translation.error_code);
  place = {.host = cpu.machine->memory.host_address({translation.physical}, 1),
           .physical = translation.physical};
  if (place.host == nullptr) return Flow::Next;
  std::byte* const page = place.host - (linear & (kPageSize - 1));
  cpu.mmu.note_page_size(linear, translation.page_size);
  cpu.mmu.tlb(privilege, access).insert(linear, page);
  // What may be written may be read: saves the walk of the next load.
  if (access == Access::Write) cpu.mmu.tlb(privilege, Access::Read).insert(linear, page);
  return Flow::Next;
}

Flow read_memory(Cpu& cpu, std::uint64_t linear, std::span<std::byte> out, Privilege privilege) {
  return for_each_page(cpu, linear, out, [&](std::uint64_t address, std::span<std::byte> part) {
    Place place;
    if (auto const flow = translate(cpu, address, Access::Read, privilege, place);
        flow != Flow::Next) {
      return flow;
    }
    if (place.host != nullptr) {
      std::memcpy(part.data(), place.host, part.size());
      return Flow::Next;
    }
    std::uint64_t physical = place.physical;
    for (; !part.empty();
         part = part.subspan(std::min<std::size_t>(8, part.size())), physical += 8) {
      auto const piece = part.first(std::min<std::size_t>(8, part.size()));
      if (auto const flow = device_read(cpu, physical, piece); flow != Flow::Next) return flow;
    }
    return Flow::Next;
  });
}

Flow probe_write(Cpu& cpu, std::uint64_t linear, std::uint64_t size, Privilege privilege) {
  std::uint64_t const last = linear + size - 1;
  Place place;
  if (auto const flow = translate(cpu, linear, Access::Write, privilege, place);
      flow != Flow::Next) {
    return flow;
  }
  if ((linear ^ last) < kPageSize) return Flow::Next;
  return translate(cpu, last & ~(kPageSize - 1), Access::Write, privilege, place);
}

Flow write_memory(Cpu& cpu, std::uint64_t linear, std::span<std::byte const> data,
                  Privilege privilege) {
  // Nothing may be written if the second page faults.
  if (auto const flow = probe_write(cpu, linear, data.size(), privilege); flow != Flow::Next) {
    return flow;
  }
  return for_each_page(
      cpu, linear, data, [&](std::uint64_t address, std::span<std::byte const> part) {
        Place place;
        if (auto const flow = translate(cpu, address, Access::Write, privilege, place);
            flow != Flow::Next) {
          return flow;
        }
        if (place.host != nullptr) {
          std::memcpy(place.host, part.data(), part.size());
          if (note_write(cpu, place.host, part.size())) cpu.code_changed = true;
          return Flow::Next;
        }
        std::uint64_t physical = place.physical;
        for (; !part.empty();
             part = part.subspan(std::min<std::size_t>(8, part.size())), physical += 8) {
          auto const piece = part.first(std::min<std::size_t>(8, part.size()));
          if (auto const flow = device_write(cpu, physical, piece); flow != Flow::Next) return flow;
        }
        return Flow::Next;
      });
}

}  // namespace bh::vmm::soft
