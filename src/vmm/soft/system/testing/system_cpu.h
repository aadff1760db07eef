#pragma once

#include <cstdint>
#include <vector>

#include "vmm/soft/system/descriptor.h"
#include "vmm/soft/testing/bare_cpu.h"

namespace bh::vmm::soft {

/// The eight bytes of a code or data descriptor with base 0 and a limit of 4 GiB.
constexpr std::uint64_t flat_descriptor(unsigned type, unsigned dpl, bool is_long = false) {
  std::uint64_t const access = type | 1u << 4 | dpl << 5 | 1u << 7;
  std::uint64_t const flags = is_long ? 0xa : 0xc;
  return 0xffff | access << 40 | std::uint64_t{0xf} << 48 | flags << 52;
}

/// A system descriptor, or the lower half of one.
constexpr std::uint64_t system_descriptor(unsigned type, unsigned dpl, std::uint32_t base,
                                          std::uint32_t limit) {
  std::uint64_t const access = type | dpl << 5 | 1u << 7;
  return (limit & 0xffff) | std::uint64_t{base & 0xff'ffff} << 16 | access << 40 |
         std::uint64_t{limit >> 16 & 0xf} << 48 | std::uint64_t{base >> 24} << 56;
}

/// A gate, or the lower half of one.
constexpr std::uint64_t gate_descriptor(unsigned type, unsigned dpl, std::uint16_t selector,
                                        std::uint32_t offset, unsigned stack = 0) {
  std::uint64_t const access = type | dpl << 5 | 1u << 7;
  return (offset & 0xffff) | std::uint64_t{selector} << 16 | std::uint64_t{stack} << 32 |
         access << 40 | std::uint64_t{offset >> 16} << 48;
}

/// A BareCpu with descriptor tables and a TSS, in one of the three modes. Memory is mapped one to
/// one, for user code as well, up to 4 MiB.
class SystemCpu : public BareCpu {
 public:
  // Selectors of the GDT it starts with. Linux's order, so that SYSRET finds its segments.
  static constexpr std::uint16_t kKernelCode32 = 0x08;
  static constexpr std::uint16_t kKernelCode = 0x10;  // 64-bit in long mode, else 32-bit.
  static constexpr std::uint16_t kKernelData = 0x18;
  static constexpr std::uint16_t kUserCode32 = 0x23;
  static constexpr std::uint16_t kUserData = 0x2b;
  static constexpr std::uint16_t kUserCode = 0x33;
  static constexpr std::uint16_t kTask = 0x40;   // Two slots in long mode.
  static constexpr std::uint16_t kSpare = 0x50;  // For descriptors of a test; two slots.
  static constexpr std::uint16_t kSpare2 = 0x60;

  static constexpr std::uint32_t kGdt = 0x1'0000;
  static constexpr std::uint32_t kIdt = 0x1'1000;
  static constexpr std::uint32_t kTss = 0x1'3000;
  static constexpr std::uint32_t kPageTables = 0x1'4000;
  static constexpr std::uint32_t kHandlers = 0x4'0000;  // Of vector n at kHandlers + 16 * n.
  static constexpr std::uint32_t kKernelStack = 0x3'0000;
  static constexpr std::uint32_t kInterruptStack = 0x3'8008;  // IST 1, misaligned on purpose.
  static constexpr std::uint32_t kUserStack = 0x10'0000;

  static SystemCpu long_mode() { return SystemCpu(Mode::Long); }
  static SystemCpu protected_mode() { return SystemCpu(Mode::Protected); }
  static SystemCpu real_mode() { return SystemCpu(Mode::Real); }

  /// Goes to CPL 3 with the user's segments and stack.
  void enter_user();
  void set_descriptor(std::uint16_t selector, std::uint64_t low, std::uint64_t high = 0);
  void set_gate(std::uint8_t vector, std::uint64_t low);
  /// The word `index` from the stack pointer.
  std::uint64_t stacked(unsigned index, unsigned size = 8);
  Flow run(std::vector<std::uint8_t> const& code) {
    load_code(code);
    return step();
  }

 private:
  enum class Mode : std::uint8_t { Real, Protected, Long };
  explicit SystemCpu(Mode mode);
  void make_tables(Mode mode);
  void make_pages();
};

}  // namespace bh::vmm::soft
