#include <algorithm>
#include <cstring>

#include "vmm/soft/mmu/access.h"
#include "vmm/soft/step/handlers.h"
#include "vmm/soft/step/stack.h"
#include "vmm/soft/system/handlers.h"

namespace bh::vmm::soft {

namespace {

std::uint64_t element(std::span<std::byte const> vector, std::size_t index, unsigned size) {
  std::uint64_t value = 0;
  std::memcpy(&value, vector.data() + index * size, size);
  return value;
}

std::uint64_t sign_extended(std::uint64_t value, unsigned size) {
  return size == 8 ? value
                   : static_cast<std::uint64_t>(
                         static_cast<std::int64_t>(static_cast<std::int32_t>(value)));
}

/// Between two elements a pending trap comes first, and the instruction is left half done.
Flow trap_instead(Cpu& cpu, Op const& op) {
  cpu.exception = {};
  cpu.rip = cpu.this_rip(op);
  return Flow::Leave;
}

}  // namespace

/// VGATHER and VPGATHER (SDM vol. 2): elements done are taken out of the mask, so that the
/// instruction goes on where a fault stopped it.
Flow gather(Cpu& cpu, Op const& op) {
  if (auto const flow = check_fpu(cpu, op); flow != Flow::Next) return flow;
  GatherShape const shape = GatherShape::of(op);
  auto& destination = cpu.ymm[op.reg[0]];
  auto const& indexes = cpu.ymm[op.reg[1]];
  auto& mask = cpu.ymm[op.reg[2]];
  bool const same = op.reg[0] == op.reg[1] || op.reg[0] == op.reg[2] || op.reg[1] == op.reg[2];
  if (same) return cpu.raise(kInvalidOpcode);

  std::size_t const count = shape.vector_size / std::max(shape.data_size, shape.index_size);
  std::uint64_t const base = cpu.gpr[op.base] + static_cast<std::uint64_t>(op.displacement);
  bool gathered = false;
  for (std::size_t i = 0; i < count; ++i) {
    auto* const mask_at = mask.data() + i * shape.data_size;
    bool const chosen = (std::to_integer<unsigned>(mask_at[shape.data_size - 1]) & 0x80) != 0;
    if (chosen) {
      std::uint64_t const index =
          sign_extended(element(indexes, i, shape.index_size), shape.index_size);
      std::uint64_t const linear =
          cut(base + (index << op.scale), op.address_size) + cpu.segment_base[op.segment];
      std::uint64_t value = 0;
      if (auto const flow = load_sized(cpu, linear, shape.data_size, value); flow != Flow::Next) {
        bool const trapped = gathered && (cpu.system_flags & kFlagTf) != 0;
        return flow == Flow::Fault && trapped ? trap_instead(cpu, op) : flow;
      }
      std::memcpy(destination.data() + i * shape.data_size, &value, shape.data_size);
      gathered = true;
    }
    std::memset(mask_at, 0, shape.data_size);
  }
  std::size_t const written = count * shape.data_size;
  std::memset(destination.data() + written, 0, destination.size() - written);
  mask.fill(std::byte{0});
  return Flow::Next;
}

}  // namespace bh::vmm::soft
