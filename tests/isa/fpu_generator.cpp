#include "tests/isa/fpu_generator.h"

#include <cstring>

#include "tests/isa/fxsave_layout.h"

namespace bh::isa {

namespace {

template <typename T>
void put(vmm::FpuState& fpu, std::size_t at, T value) {
  std::memcpy(fpu.fxsave.data() + at, &value, sizeof value);
}

void generate_x87(Random& random, vmm::FpuState& fpu) {
  std::uint16_t control = 0x37f;
  if (random.one_in(3)) control = static_cast<std::uint16_t>(0x37f & ~(random.next() & 0xc00));
  if (random.one_in(4)) control = static_cast<std::uint16_t>((random.next() & 0xf00) | 0x7f);
  if (random.one_in(8)) control = static_cast<std::uint16_t>((random.next() & 0xf3f) | 0x40);
  auto status = static_cast<std::uint16_t>(random.next() & 0x7f00);
  if (random.one_in(2)) status = static_cast<std::uint16_t>(status | (random.next() & 0x7f));
  // The error summary follows from the flags and their masks; a pending error makes most of x87
  // raise #MF and nothing else.
  if (!random.one_in(8)) status = static_cast<std::uint16_t>(status & (control | 0xffc0));
  if ((status & ~control & 0x3f) != 0) status |= 0x8080;
  put(fpu, fxsave::kControl, control);
  put(fpu, fxsave::kStatus, status);
  std::uint8_t tags = 0xff;
  if (random.one_in(2)) tags = static_cast<std::uint8_t>(random.next());
  if (random.one_in(8)) tags = 0;
  put(fpu, fxsave::kTags, tags);
  bool const as_mmx = random.one_in(3);
  for (std::size_t i = 0; i < 8; ++i) {
    auto* const at = fpu.fxsave.data() + fxsave::kStack + 16 * i;
    std::array<std::byte, 16> lanes{};
    if (as_mmx) {
      interesting_lanes(random, static_cast<LaneKind>(random.below(4)), lanes);
      lanes[8] = lanes[9] = std::byte{0xff};
      std::memcpy(at, lanes.data(), 10);
    } else {
      interesting_extended(random, std::span<std::byte, 10>(at, 10));
    }
  }
}

void generate_sse(Random& random, vmm::FpuState& fpu) {
  std::uint32_t mxcsr = 0x1f80;
  if (random.one_in(3)) mxcsr |= random.next() & 0x6000;                               // Rounding.
  if (random.one_in(6)) mxcsr |= random.next() & 0x8040;                               // FTZ, DAZ.
  if (random.one_in(4)) mxcsr |= random.next() & 0x003f;                               // Old flags.
  if (random.one_in(8)) mxcsr &= ~static_cast<std::uint32_t>(random.next() & 0x1f80);  // Unmasked.
  put(fpu, fxsave::kMxcsr, mxcsr);
  put(fpu, fxsave::kMxcsrMask, std::uint32_t{0xffff});
  auto const kind = static_cast<LaneKind>(random.below(4));
  bool const mixed = random.one_in(3);
  auto lanes = [&](std::byte* at) {
    auto const used = mixed ? static_cast<LaneKind>(random.below(4)) : kind;
    interesting_lanes(random, used, std::span<std::byte, 16>(at, 16));
  };
  for (std::size_t i = 0; i < 16; ++i) lanes(fpu.fxsave.data() + fxsave::kXmm + 16 * i);
  if (random.one_in(8)) return;  // Upper halves clear.
  for (auto& half : fpu.ymm_high) lanes(half.data());
}

}  // namespace

void generate_fpu(Random& random, vmm::FpuState& fpu) {
  generate_x87(random, fpu);
  generate_sse(random, fpu);
}

}  // namespace bh::isa
