#include <array>
#include <cstring>

#include "vmm/soft/mmu/access.h"
#include "vmm/soft/system/features.h"
#include "vmm/soft/system/fpu_image.h"
#include "vmm/soft/system/handlers.h"

namespace bh::vmm::soft {

namespace {

// The area in standard format (SDM vol. 1, 13.4).
constexpr std::uint64_t kAlignment = 64;
constexpr std::size_t kHeader = 512;
constexpr std::size_t kHeaderSize = 64;
constexpr std::size_t kAvxArea = 576;
constexpr std::size_t kUpperHalf = 16;
using AvxArea = std::array<std::byte, 16 * kUpperHalf>;

struct Header {
  std::uint64_t present;  // XSTATE_BV
  std::uint64_t compacted;
  std::array<std::uint64_t, 6> reserved;
};
static_assert(sizeof(Header) == kHeaderSize);

FpuPointers pointers_of(Op const& op) {
  return op.operand_size == 8 ? FpuPointers::Offsets64 : FpuPointers::SelectorsAnd32;
}

Flow check(Cpu& cpu, std::uint64_t linear) {
  if ((cpu.cr4 & kCr4Osxsave) == 0) return cpu.raise(kInvalidOpcode);
  if ((cpu.cr0 & kCr0Ts) != 0) return cpu.raise(kDeviceNotAvailable);
  if (linear % kAlignment != 0) return cpu.raise(kGeneralProtection, 0);
  return Flow::Next;
}

/// The components the instruction asks for in EDX:EAX.
std::uint64_t requested(Cpu const& cpu) {
  std::uint64_t const asked = cpu.gpr[Rdx] << 32 | static_cast<std::uint32_t>(cpu.gpr[Rax]);
  return asked & cpu.xcr0;
}

std::byte* upper_half(Cpu& cpu, std::size_t index) {
  return cpu.ymm[index].data() + kUpperHalf;
}

Flow save_legacy(Cpu& cpu, Op const& op, std::uint64_t linear, std::uint64_t components) {
  FpuImage image;
  if (auto const flow = read_memory(cpu, linear, image, current_privilege(cpu));
      flow != Flow::Next) {
    return flow;
  }
  if ((components & kXcr0X87) != 0) save_x87(cpu, pointers_of(op), image);
  if ((components & (kXcr0Sse | kXcr0Avx)) != 0) save_mxcsr(cpu, image);
  if ((components & kXcr0Sse) != 0) save_xmm(cpu, image);
  return write_memory(cpu, linear, std::span(image).first(kImageWritten), current_privilege(cpu));
}

Flow save_avx(Cpu& cpu, std::uint64_t linear) {
  AvxArea area;
  std::size_t const count = xmm_count(cpu);
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(area.data() + i * kUpperHalf, upper_half(cpu, i), kUpperHalf);
  }
  return write_memory(cpu, linear + kAvxArea, std::span(area).first(count * kUpperHalf),
                      current_privilege(cpu));
}

/// What an area says about itself, for XRSTOR.
Flow read_header(Cpu& cpu, std::uint64_t linear, Header& header) {
  if (auto const flow = load(cpu, linear + kHeader, header); flow != Flow::Next) return flow;
  bool good = header.compacted == 0 && (header.present & ~cpu.xcr0) == 0;
  for (auto const word : header.reserved) good = good && word == 0;
  return good ? Flow::Next : cpu.raise(kGeneralProtection, 0);
}

void restore_avx(Cpu& cpu, AvxArea const& area) {
  for (std::size_t i = 0; i < xmm_count(cpu); ++i) {
    std::memcpy(upper_half(cpu, i), area.data() + i * kUpperHalf, kUpperHalf);
  }
}

}  // namespace

Flow xsave(Cpu& cpu, Op const& op) {
  std::uint64_t const linear = effective_address(cpu, op);
  if (auto const flow = check(cpu, linear); flow != Flow::Next) return flow;
  std::uint64_t const components = requested(cpu);
  bool const avx = (components & kXcr0Avx) != 0;
  auto const privilege = current_privilege(cpu);
  if (auto const flow =
          probe_write(cpu, linear, avx ? kAvxArea + sizeof(AvxArea) : kAvxArea, privilege);
      flow != Flow::Next) {
    return flow;
  }
  std::uint64_t present = 0;
  if (auto const flow = load(cpu, linear + kHeader, present); flow != Flow::Next) return flow;

  if (auto const flow = save_legacy(cpu, op, linear, components); flow != Flow::Next) return flow;
  if (avx) {
    if (auto const flow = save_avx(cpu, linear); flow != Flow::Next) return flow;
  }
  // All components count as in use, which XSAVEOPT may claim as well.
  present |= components;
  if (auto const flow = store(cpu, linear + kHeader, present); flow != Flow::Next) return flow;
  return finish(cpu, op);
}

Flow xrstor(Cpu& cpu, Op const& op) {
  std::uint64_t const linear = effective_address(cpu, op);
  if (auto const flow = check(cpu, linear); flow != Flow::Next) return flow;
  std::uint64_t const components = requested(cpu);

  Header header;
  FpuImage image;
  AvxArea area{};
  if (auto const flow = read_header(cpu, linear, header); flow != Flow::Next) return flow;
  if (auto const flow = read_memory(cpu, linear, image, current_privilege(cpu));
      flow != Flow::Next) {
    return flow;
  }
  std::uint64_t const loaded = components & header.present;
  if ((loaded & kXcr0Avx) != 0) {
    auto const part = std::span(area).first(xmm_count(cpu) * kUpperHalf);
    if (auto const flow = read_memory(cpu, linear + kAvxArea, part, current_privilege(cpu));
        flow != Flow::Next) {
      return flow;
    }
  }
  bool const loads_mxcsr = (components & (kXcr0Sse | kXcr0Avx)) != 0;
  if (loads_mxcsr && (mxcsr_of(image) & ~kMxcsrMask) != 0) return cpu.raise(kGeneralProtection, 0);

  // A component asked for but not in the area takes its initial state.
  if ((loaded & kXcr0X87) != 0) {
    load_x87(cpu, pointers_of(op), image);
  } else if ((components & kXcr0X87) != 0) {
    reset_x87(cpu);
  }
  if ((loaded & kXcr0Sse) != 0) {
    load_xmm(cpu, image);
  } else if ((components & kXcr0Sse) != 0) {
    reset_xmm(cpu);
  }
  if ((components & kXcr0Avx) != 0) restore_avx(cpu, area);
  if (loads_mxcsr) cpu.mxcsr = mxcsr_of(image);
  return Flow::Next;
}

}  // namespace bh::vmm::soft
