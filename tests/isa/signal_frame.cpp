#include "tests/isa/signal_frame.h"

#include <array>
#include <cstring>

namespace bh::isa {

namespace {

// In the order of the instruction encoding.
constexpr std::array<int, 16> kPlaces{REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                      REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                      REG_R12, REG_R13, REG_R14, REG_R15};

// Layout of the frame's FP part: FXSAVE image with the kernel's notes in the bytes that the CPU
// leaves to software, then the XSAVE header and area (arch/x86/include/uapi/asm/sigcontext.h, SDM
// vol. 1, 13.4).
constexpr std::size_t kSoftwareBytes = 464;
constexpr std::uint32_t kExtendedMagic = 0x4650'5853;
constexpr std::size_t kXstateBv = 512;
constexpr std::size_t kYmmHigh = 576;
constexpr std::uint64_t kX87SseAvx = 7;

bool has_extended_state(std::byte const* area) {
  std::uint32_t magic;
  std::memcpy(&magic, area + kSoftwareBytes, sizeof magic);
  return magic == kExtendedMagic;
}

}  // namespace

void put_registers(ucontext_t& context, CaseInput const& input) {
  for (std::size_t i = 0; i < kPlaces.size(); ++i) {
    context.uc_mcontext.gregs[kPlaces[i]] = static_cast<greg_t>(input.gpr[i]);
  }
  context.uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(input.code.rip);
  context.uc_mcontext.gregs[REG_EFL] = static_cast<greg_t>(input.rflags);
  auto* const area = reinterpret_cast<std::byte*>(context.uc_mcontext.fpregs);
  std::memcpy(area, input.fpu.fxsave.data(), kSoftwareBytes);
  if (has_extended_state(area)) {
    // Components not named start in their initial state, which also clears AVX-512's.
    std::memcpy(area + kXstateBv, &kX87SseAvx, sizeof kX87SseAvx);
    std::memcpy(area + kYmmHigh, input.fpu.ymm_high.data(), sizeof input.fpu.ymm_high);
  }
}

void take_registers(ucontext_t const& context, Outcome& outcome) {
  auto const& gregs = context.uc_mcontext.gregs;
  outcome.ending = Ending::Exception;
  outcome.vector = static_cast<std::uint8_t>(gregs[REG_TRAPNO]);
  outcome.error_code = static_cast<std::uint32_t>(gregs[REG_ERR]);
  outcome.cr2 = outcome.vector == kPageFault ? static_cast<std::uint64_t>(gregs[REG_CR2]) : 0;
  for (std::size_t i = 0; i < kPlaces.size(); ++i) {
    outcome.gpr[i] = static_cast<std::uint64_t>(gregs[kPlaces[i]]);
  }
  outcome.rip = static_cast<std::uint64_t>(gregs[REG_RIP]);
  outcome.rflags = static_cast<std::uint64_t>(gregs[REG_EFL]);
  auto const* const area = reinterpret_cast<std::byte const*>(context.uc_mcontext.fpregs);
  std::memcpy(outcome.fpu.fxsave.data(), area, outcome.fpu.fxsave.size());
  std::memset(outcome.fpu.ymm_high.data(), 0, sizeof outcome.fpu.ymm_high);
  if (has_extended_state(area)) {
    std::uint64_t in_use;
    std::memcpy(&in_use, area + kXstateBv, sizeof in_use);
    if ((in_use & 4) != 0) {
      std::memcpy(outcome.fpu.ymm_high.data(), area + kYmmHigh, sizeof outcome.fpu.ymm_high);
    }
  }
}

}  // namespace bh::isa
