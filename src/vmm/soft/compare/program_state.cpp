#include "vmm/soft/compare/program_state.h"

#include <cstdio>
#include <cstring>
#include <span>
#include <string_view>

#include "vmm/engine/registers.h"

namespace bh::vmm::soft {

ProgramState ProgramState::of(Cpu const& cpu) {
  return {.native = cpu.native_state(),
          .rip = cpu.rip,
          .system_flags = cpu.system_flags,
          .segment_base = cpu.segment_base,
          .gs_base = cpu.segments[Gs].base,
          .kernel_gs_base = cpu.kernel_gs_base,
          .cr2 = cpu.cr2};
}

void ProgramState::put_into(Cpu& cpu) const {
  cpu.set_native_state(native);
  cpu.rip = rip;
  cpu.system_flags = system_flags;
  cpu.segment_base = segment_base;
  cpu.segments[Gs].base = gs_base;
  cpu.kernel_gs_base = kernel_gs_base;
  cpu.cr2 = cr2;
}

namespace {

class Words {
 public:
  void number(std::string_view name, std::uint64_t stepped, std::uint64_t translated) {
    if (stepped == translated) return;
    char line[96];
    std::snprintf(line, sizeof line, "  %-16.*s stepped 0x%016llx  translated 0x%016llx\n",
                  static_cast<int>(name.size()), name.data(),
                  static_cast<unsigned long long>(stepped),
                  static_cast<unsigned long long>(translated));
    text_ += line;
  }
  /// In words of eight bytes, the first one first.
  void bytes(std::string const& name, std::span<std::byte const> stepped,
             std::span<std::byte const> translated) {
    for (std::size_t at = 0; at < stepped.size(); at += sizeof(std::uint64_t)) {
      std::array<std::uint64_t, 2> words{};
      std::size_t const size = std::min(sizeof(std::uint64_t), stepped.size() - at);
      std::memcpy(&words[0], stepped.data() + at, size);
      std::memcpy(&words[1], translated.data() + at, size);
      number(name + "+" + std::to_string(at), words[0], words[1]);
    }
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

template <std::size_t Size>
bool same_bytes(std::array<std::byte, Size> const& left, std::array<std::byte, Size> const& right) {
  return std::memcmp(left.data(), right.data(), Size) == 0;
}

constexpr std::array<std::string_view, 16> kGeneral{"rax", "rcx", "rdx", "rbx", "rsp", "rbp",
                                                    "rsi", "rdi", "r8",  "r9",  "r10", "r11",
                                                    "r12", "r13", "r14", "r15"};

// FXSAVE's image (SDM vol. 1, 10.5.1): control, status and tag words, then eight registers of ten
// bytes, sixteen apart.
constexpr std::size_t kX87Words = 5;
constexpr std::size_t kX87Registers = 32;
constexpr std::size_t kX87RegisterSize = 10;

}  // namespace

std::string differences(ProgramState const& stepped, ProgramState const& translated,
                        FlagSet flags) {
  Words words;
  words.number("rip", stepped.rip, translated.rip);
  for (std::size_t i = 0; i < kGeneral.size(); ++i) {
    words.number(kGeneral[i], stepped.native.gpr[i], translated.native.gpr[i]);
  }
  words.number("arithmetic flags", stepped.native.arithmetic.rflags() & flags,
               translated.native.arithmetic.rflags() & flags);
  words.number("system flags", stepped.system_flags, translated.system_flags);
  words.number("fs base", stepped.segment_base[Fs], translated.segment_base[Fs]);
  words.number("gs base", stepped.segment_base[Gs], translated.segment_base[Gs]);
  words.number("gs.base", stepped.gs_base, translated.gs_base);
  words.number("kernel gs base", stepped.kernel_gs_base, translated.kernel_gs_base);
  words.number("cr2", stepped.cr2, translated.cr2);
  words.number("mxcsr", stepped.native.mxcsr, translated.native.mxcsr);
  for (std::size_t i = 0; i < stepped.native.ymm.size(); ++i) {
    if (same_bytes(stepped.native.ymm[i], translated.native.ymm[i])) continue;
    words.bytes("ymm" + std::to_string(i), stepped.native.ymm[i], translated.native.ymm[i]);
  }
  if (same_bytes(stepped.native.fxsave, translated.native.fxsave)) return words.take();
  std::span const x87(stepped.native.fxsave);
  std::span const x87_translated(translated.native.fxsave);
  words.bytes("x87", x87.first(kX87Words), x87_translated.first(kX87Words));
  for (std::size_t i = 0; i < 8; ++i) {
    auto const at = kX87Registers + 16 * i;
    words.bytes("st" + std::to_string(i), x87.subspan(at, kX87RegisterSize),
                x87_translated.subspan(at, kX87RegisterSize));
  }
  return words.take();
}

}  // namespace bh::vmm::soft
