#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// The 512-byte area of FXSAVE and XSAVE (SDM vol. 1, 10.5.1) and its parts.
inline constexpr std::size_t kFpuImageSize = 512;
inline constexpr std::size_t kImageMxcsr = 24;
inline constexpr std::size_t kImageMxcsrMask = 28;
inline constexpr std::size_t kImageX87Registers = 32;
inline constexpr std::size_t kImageXmm = 160;
/// Up to here FXSAVE writes; the rest is software's.
inline constexpr std::size_t kImageWritten = 416;

using FpuImage = std::array<std::byte, kFpuImageSize>;

/// How the pointers to the last x87 instruction and operand are laid out.
enum class FpuPointers : std::uint8_t { Offsets64, SelectorsAnd32 };

/// XMM registers this code can name.
inline std::size_t xmm_count(Cpu const& cpu) {
  return cpu.code_size == CodeSize::Bits64 ? 16 : 8;
}

void save_x87(Cpu const& cpu, FpuPointers pointers, FpuImage& image);
void load_x87(Cpu& cpu, FpuPointers pointers, FpuImage const& image);
void reset_x87(Cpu& cpu);

void save_xmm(Cpu const& cpu, FpuImage& image);
void load_xmm(Cpu& cpu, FpuImage const& image);
void reset_xmm(Cpu& cpu);

void save_mxcsr(Cpu const& cpu, FpuImage& image);
std::uint32_t mxcsr_of(FpuImage const& image);

}  // namespace bh::vmm::soft
