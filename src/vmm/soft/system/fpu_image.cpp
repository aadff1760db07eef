#include "vmm/soft/system/fpu_image.h"

#include <algorithm>
#include <cstring>

#include "vmm/soft/system/features.h"

namespace bh::vmm::soft {

namespace {

constexpr std::size_t kControlWord = 0;
constexpr std::size_t kStatusWord = 2;
constexpr std::size_t kLastOpcode = 6;
constexpr std::size_t kInstructionPointer = 8;
constexpr std::size_t kDataPointer = 16;
constexpr std::size_t kXmmSize = 16;
constexpr std::uint16_t kControlAfterInit = 0x37f;
constexpr std::uint32_t kDefaultMxcsr = 0x1f80;

/// With 32-bit pointers the upper four bytes are a selector, which we give as 0 like CPUs that have
/// none.
void drop_upper_halves(std::byte* image) {
  std::memset(image + kInstructionPointer + 4, 0, 4);
  std::memset(image + kDataPointer + 4, 0, 4);
}

/// What the CPU makes of the control and status words it loads: reserved control bits are fixed,
/// and the error summary follows from flags and masks (SDM vol. 1, 8.1.3 and 8.1.5).
void normalize_words(std::byte* image) {
  constexpr unsigned kControlDefined = 0x1f3f;
  constexpr unsigned kControlAlwaysSet = 0x0040;
  constexpr unsigned kErrorSummaryAndBusy = 0x8080;
  constexpr unsigned kExceptions = 0x3f;
  constexpr unsigned kOpcodeDefined = 0x7ff;
  std::uint16_t control = 0;
  std::uint16_t status = 0;
  std::memcpy(&control, image + kControlWord, sizeof control);
  std::memcpy(&status, image + kStatusWord, sizeof status);
  control = static_cast<std::uint16_t>((control & kControlDefined) | kControlAlwaysSet);
  bool const pending = (status & ~control & kExceptions) != 0;
  status = static_cast<std::uint16_t>(pending ? status | kErrorSummaryAndBusy
                                              : status & ~kErrorSummaryAndBusy);
  std::uint16_t opcode = 0;
  std::memcpy(&opcode, image + kLastOpcode, sizeof opcode);
  opcode = static_cast<std::uint16_t>(opcode & kOpcodeDefined);
  std::memcpy(image + kLastOpcode, &opcode, sizeof opcode);
  std::memcpy(image + kControlWord, &control, sizeof control);
  std::memcpy(image + kStatusWord, &status, sizeof status);
}

}  // namespace

void save_x87(Cpu const& cpu, FpuPointers pointers, FpuImage& image) {
  std::copy_n(cpu.fxsave.begin(), kImageMxcsr, image.begin());
  std::copy(cpu.fxsave.begin() + kImageX87Registers, cpu.fxsave.begin() + kImageXmm,
            image.begin() + kImageX87Registers);
  if (pointers == FpuPointers::SelectorsAnd32) drop_upper_halves(image.data());
}

void load_x87(Cpu& cpu, FpuPointers pointers, FpuImage const& image) {
  std::copy_n(image.begin(), kImageMxcsr, cpu.fxsave.begin());
  std::copy(image.begin() + kImageX87Registers, image.begin() + kImageXmm,
            cpu.fxsave.begin() + kImageX87Registers);
  if (pointers == FpuPointers::SelectorsAnd32) drop_upper_halves(cpu.fxsave.data());
  normalize_words(cpu.fxsave.data());
}

void reset_x87(Cpu& cpu) {
  std::fill_n(cpu.fxsave.begin(), kImageXmm, std::byte{0});
  std::memcpy(cpu.fxsave.data(), &kControlAfterInit, sizeof kControlAfterInit);
  std::memcpy(cpu.fxsave.data() + kImageMxcsr, &kDefaultMxcsr, sizeof kDefaultMxcsr);
}

void save_xmm(Cpu const& cpu, FpuImage& image) {
  for (std::size_t i = 0; i < xmm_count(cpu); ++i) {
    std::memcpy(image.data() + kImageXmm + i * kXmmSize, cpu.ymm[i].data(), kXmmSize);
  }
}

void load_xmm(Cpu& cpu, FpuImage const& image) {
  for (std::size_t i = 0; i < xmm_count(cpu); ++i) {
    std::memcpy(cpu.ymm[i].data(), image.data() + kImageXmm + i * kXmmSize, kXmmSize);
  }
}

void reset_xmm(Cpu& cpu) {
  for (std::size_t i = 0; i < xmm_count(cpu); ++i) std::memset(cpu.ymm[i].data(), 0, kXmmSize);
}

void save_mxcsr(Cpu const& cpu, FpuImage& image) {
  std::memcpy(image.data() + kImageMxcsr, &cpu.mxcsr, sizeof cpu.mxcsr);
  std::memcpy(image.data() + kImageMxcsrMask, &kMxcsrMask, sizeof kMxcsrMask);
}

std::uint32_t mxcsr_of(FpuImage const& image) {
  std::uint32_t mxcsr = 0;
  std::memcpy(&mxcsr, image.data() + kImageMxcsr, sizeof mxcsr);
  return mxcsr;
}

}  // namespace bh::vmm::soft
