#include "vmm/soft/system/port_access.h"

#include <cstring>

#include "vmm/soft/mmu/access.h"
#include "vmm/soft/system/descriptor.h"

namespace bh::vmm::soft {

namespace {

// Of the 32- and 64-bit TSS: a 16-bit offset of the bitmap (SDM vol. 3, figures 8-2 and 8-11).
constexpr std::uint32_t kTssBitmapOffset = 0x66;

/// The chips at `port`, if they answer there. They take no part in a replay, as in mmu/access.cpp.
chip::ChipSet* chips_at(Cpu const& cpu, std::uint16_t port) {
  return chip::ChipSet::owns_port(port) ? cpu.machine->chips : nullptr;
}

}  // namespace

Flow check_port(Cpu& cpu, std::uint16_t port, unsigned size) {
  auto const iopl = (cpu.system_flags & kFlagIopl) >> 12;
  if (!cpu.protected_mode() || cpu.cpl <= iopl) return Flow::Next;

  Segment const& tss = cpu.tr;
  bool const has_bitmap = tss.unusable == 0 && (tss.type == kTss || tss.type == kTssBusy) &&
                          tss.limit >= kTssBitmapOffset + 1;
  if (!has_bitmap) return cpu.raise(kGeneralProtection, 0);
  std::uint16_t start = 0;
  if (auto const flow = load(cpu, tss.base + kTssBitmapOffset, start, Privilege::Supervisor);
      flow != Flow::Next) {
    return flow;
  }
  // Two bytes are read whatever the port, so the bitmap must have one after its last.
  std::uint32_t const offset = start + port / 8u;
  if (offset + 1 > tss.limit) return cpu.raise(kGeneralProtection, 0);
  std::uint16_t bits = 0;
  if (auto const flow = load(cpu, tss.base + offset, bits, Privilege::Supervisor);
      flow != Flow::Next) {
    return flow;
  }
  unsigned const asked = ((1u << size) - 1) << (port % 8);
  return (bits & asked) == 0 ? Flow::Next : cpu.raise(kGeneralProtection, 0);
}

Flow read_port(Cpu& cpu, std::uint16_t port, unsigned size, std::uint32_t& out) {
  out = 0;
  if (auto* const chips = chips_at(cpu, port)) {
    chips->port_read(port, std::as_writable_bytes(std::span(&out, 1)).first(size));
    return Flow::Next;
  }
  if (auto const* const answer = cpu.replay.next()) {
    std::memcpy(&out, answer, size);
    return Flow::Next;
  }
  auto const room = cpu.replay.append(size);
  if (room.empty()) return cpu.raise(kGeneralProtection, 0);
  cpu.exit = PortRead{port, room};
  return Flow::Exit;
}

Flow write_port(Cpu& cpu, std::uint16_t port, unsigned size, std::uint32_t value) {
  if (auto* const chips = chips_at(cpu, port)) {
    chips->port_write(port, std::as_bytes(std::span(&value, 1)).first(size));
    return Flow::Next;
  }
  if (cpu.replay.next() != nullptr) return Flow::Next;
  auto const room = cpu.replay.append(size);
  if (room.empty()) return cpu.raise(kGeneralProtection, 0);
  std::memcpy(room.data(), &value, size);
  cpu.exit = PortWrite{port, room};
  return Flow::Exit;
}

}  // namespace bh::vmm::soft
