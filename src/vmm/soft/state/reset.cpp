#include "vmm/soft/state/reset.h"

#include <cstring>

namespace bh::vmm::soft {

namespace {

constexpr std::uint8_t kDataType = 0x3;  // Read/write, accessed.
constexpr std::uint8_t kCodeType = 0xb;  // Execute/read, accessed.
constexpr std::uint8_t kLdtType = 0x2;
constexpr std::uint8_t kBusyTssType = 0xb;

Segment real_mode_segment(std::uint16_t selector, std::uint64_t base, std::uint8_t type) {
  return {.base = base, .limit = 0xffff, .selector = selector, .type = type, .present = 1, .s = 1};
}

void set_segment(Cpu& cpu, SegmentIndex index, Segment const& segment) {
  cpu.segments[index] = segment;
  cpu.segment_base[index] = segment.base;
}

}  // namespace

void reset(Cpu& cpu) {
  reset_by_init(cpu);
  cpu.mxcsr = 0x1f80;
  cpu.ymm = {};
  cpu.fxsave = {};
  std::uint16_t const control = 0x037f;
  std::uint32_t const mxcsr = 0x1f80;
  std::memcpy(cpu.fxsave.data(), &control, sizeof control);
  std::memcpy(cpu.fxsave.data() + 24, &mxcsr, sizeof mxcsr);
  cpu.xcr0 = 1;
}

void reset_by_init(Cpu& cpu) {
  cpu.gpr.fill(0);
  cpu.gpr[Rdx] = 0x600;
  cpu.set_rflags(kFlagsReserved1);
  cpu.rip = 0xfff0;
  cpu.cpl = 0;
  cpu.code_size = CodeSize::Bits16;
  cpu.interrupt_shadow = false;
  cpu.nmi_blocked = false;
  cpu.activity = Activity::Running;
  for (auto const index : {Es, Ss, Ds, Fs, Gs}) {
    set_segment(cpu, index, real_mode_segment(0, 0, kDataType));
  }
  set_segment(cpu, Cs, real_mode_segment(0xf000, 0xffff'0000, kCodeType));
  cpu.tr = {.limit = 0xffff, .type = kBusyTssType, .present = 1};
  cpu.ldt = {.limit = 0xffff, .type = kLdtType, .present = 1};
  cpu.gdt = {.base = 0, .limit = 0xffff};
  cpu.idt = {.base = 0, .limit = 0xffff};
  cpu.cr0 = kCr0Cd | kCr0Nw | kCr0Et;
  cpu.cr2 = cpu.cr3 = cpu.cr4 = 0;
  cpu.efer = 0;
  cpu.debug = {};
  cpu.replay.clear();
  cpu.mmu.forget_all();
}

void start_at(Cpu& cpu, std::uint8_t vector) {
  set_segment(cpu, Cs,
              real_mode_segment(static_cast<std::uint16_t>(vector << 8),
                                static_cast<std::uint64_t>(vector) << 12, kCodeType));
  cpu.rip = 0;
  cpu.activity = Activity::Running;
}

}  // namespace bh::vmm::soft
