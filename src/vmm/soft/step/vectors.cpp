#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "vmm/soft/mmu/access.h"
#include "vmm/soft/step/handlers.h"
#include "vmm/soft/step/registers.h"
#include "vmm/soft/system/handlers.h"

namespace bh::vmm::soft {

namespace {

constexpr unsigned kSignBit = 0x80;

// Fields of the FXSAVE image (SDM vol. 1, 10.5.1). MMX registers are the mantissas of the x87
// stack.
constexpr std::size_t kFxsaveStatus = 2;
constexpr std::size_t kFxsaveTags = 4;
constexpr std::size_t kFxsaveMmx = 32;
constexpr std::size_t kFxsaveRegister = 16;
constexpr unsigned kX87ErrorSummary = 0x80;
constexpr unsigned kX87TopHigh = 0x38;  // In the status word's upper byte.

/// What every MMX instruction does before its work: TOP becomes 0, all registers valid. The image
/// holds the registers as ST(i), so they turn with TOP.
Flow enter_mmx(Cpu& cpu) {
  if ((std::to_integer<unsigned>(cpu.fxsave[kFxsaveStatus]) & kX87ErrorSummary) != 0) {
    return cpu.raise(kX87Error);
  }
  std::byte& status_high = cpu.fxsave[kFxsaveStatus + 1];
  unsigned const top = (std::to_integer<unsigned>(status_high) & kX87TopHigh) >> 3;
  auto const registers = std::span(cpu.fxsave).subspan(kFxsaveMmx, 8 * kFxsaveRegister);
  std::ranges::rotate(registers, registers.end() - top * kFxsaveRegister);
  status_high &= ~std::byte{kX87TopHigh};
  cpu.fxsave[kFxsaveTags] = std::byte{0xff};
  return Flow::Next;
}

/// Elements of a vector chosen by the sign of each element of a mask. Where the mask is clear,
/// memory is not touched.
class MaskedElements {
 public:
  MaskedElements(std::span<std::byte const> mask, std::size_t size) : mask_(mask), size_(size) {}

  std::size_t count() const { return mask_.size() / size_; }
  bool chosen(std::size_t index) const {
    return (std::to_integer<unsigned>(mask_[(index + 1) * size_ - 1]) & kSignBit) != 0;
  }

  Flow store_chosen(Cpu& cpu, std::uint64_t linear, std::span<std::byte const> data) const {
    auto const privilege = current_privilege(cpu);
    for (std::size_t i = 0; i < count(); ++i) {
      if (!chosen(i)) continue;
      if (auto const flow = probe_write(cpu, linear + i * size_, size_, privilege);
          flow != Flow::Next) {
        return flow;
      }
    }
    for (std::size_t i = 0; i < count(); ++i) {
      if (!chosen(i)) continue;
      if (auto const flow =
              write_memory(cpu, linear + i * size_, data.subspan(i * size_, size_), privilege);
          flow != Flow::Next) {
        return flow;
      }
    }
    return Flow::Next;
  }

  Flow load_chosen(Cpu& cpu, std::uint64_t linear, std::span<std::byte> out) const {
    for (std::size_t i = 0; i < count(); ++i) {
      if (!chosen(i)) continue;
      if (auto const flow = read_memory(cpu, linear + i * size_, out.subspan(i * size_, size_),
                                        current_privilege(cpu));
          flow != Flow::Next) {
        return flow;
      }
    }
    return Flow::Next;
  }

 private:
  std::span<std::byte const> mask_;
  std::size_t size_;
};

Flow mask_move_elements(Cpu& cpu, Op const& op, std::size_t element) {
  if (auto const flow = check_fpu(cpu, op); flow != Flow::Next) return flow;
  std::uint64_t const linear = effective_address(cpu, op);
  MaskedElements const elements(std::span(cpu.ymm[op.reg[1]]).first(op.memory_size), element);
  if (op.reg[0] == kNoOperand) {
    auto const data = std::span<std::byte const>(cpu.ymm[op.reg[2]]);
    if (auto const flow = elements.store_chosen(cpu, linear, data); flow != Flow::Next) return flow;
    return finish(cpu, op);
  }
  std::array<std::byte, 32> loaded{};
  if (auto const flow = elements.load_chosen(cpu, linear, loaded); flow != Flow::Next) return flow;
  cpu.ymm[op.reg[0]] = loaded;
  return Flow::Next;
}

}  // namespace

Flow zero_upper(Cpu& cpu, Op const& op) {
  if (auto const flow = check_fpu(cpu, op); flow != Flow::Next) return flow;
  for (auto& ymm : cpu.ymm) std::ranges::fill(std::span(ymm).subspan(16), std::byte{});
  return Flow::Next;
}

Flow zero_all(Cpu& cpu, Op const& op) {
  if (auto const flow = check_fpu(cpu, op); flow != Flow::Next) return flow;
  cpu.ymm = {};
  return Flow::Next;
}

Flow mask_move_dwords(Cpu& cpu, Op const& op) {
  return mask_move_elements(cpu, op, 4);
}
Flow mask_move_qwords(Cpu& cpu, Op const& op) {
  return mask_move_elements(cpu, op, 8);
}

Flow mask_move(Cpu& cpu, Op const& op) {
  if (auto const flow = check_fpu(cpu, op); flow != Flow::Next) return flow;
  bool const mmx = op.fpu == FpuUse::Mmx;
  std::size_t const size = mmx ? 8 : 16;
  if (mmx) {
    if (auto const flow = enter_mmx(cpu); flow != Flow::Next) return flow;
  }
  auto const bytes_of = [&](std::uint8_t reg) {
    return mmx ? std::span(cpu.fxsave).subspan(kFxsaveMmx + reg * kFxsaveRegister, size)
               : std::span(cpu.ymm[reg]).first(size);
  };
  std::uint64_t const linear = cut(cpu.gpr[Rdi], op.address_size) + cpu.segment_base[op.segment];
  MaskedElements const elements(bytes_of(op.reg[1]), 1);
  if (auto const flow = elements.store_chosen(cpu, linear, bytes_of(op.reg[0]));
      flow != Flow::Next) {
    return flow;
  }
  return finish(cpu, op);
}

}  // namespace bh::vmm::soft
