#include "vmm/soft/system/testing/system_cpu.h"

#include "vmm/soft/step/registers.h"
#include "vmm/soft/system/segment_register.h"

namespace bh::vmm::soft {

namespace {

constexpr unsigned kCodeType = 0xb;
constexpr unsigned kDataType = 0x3;

}  // namespace

SystemCpu::SystemCpu(Mode mode) {
  Cpu& state = cpu();
  if (mode == Mode::Real) {
    state.cr0 = kCr0Et;
    state.segments[Cs].l = 0;
    set_code_segment(state, state.segments[Cs], 0);
    for (auto const segment : {Es, Cs, Ss, Ds, Fs, Gs}) load_real_segment(state, segment, 0);
    state.idt = {.base = 0, .limit = 0x3ff};
    state.gpr[Rsp] = 0x8000;
    return;
  }
  make_tables(mode);
  if (mode == Mode::Long) make_pages();
  set_code_segment(state, flat_code(kKernelCode, 0, mode == Mode::Long), 0);
  set_segment(state, Ss, flat_stack(kKernelData, 0));
  for (auto const segment : {Es, Ds}) set_segment(state, segment, flat_stack(kKernelData, 0));
  for (auto const segment : {Fs, Gs}) set_segment(state, segment, null_segment(0));
}

void SystemCpu::make_tables(Mode mode) {
  bool const wide = mode == Mode::Long;
  Cpu& state = cpu();
  state.gdt = {.base = kGdt, .limit = 0x7f};
  set_descriptor(kKernelCode32, flat_descriptor(kCodeType, 0));
  set_descriptor(kKernelCode, flat_descriptor(kCodeType, 0, wide));
  set_descriptor(kKernelData, flat_descriptor(kDataType, 0));
  set_descriptor(kUserCode32, flat_descriptor(kCodeType, 3));
  set_descriptor(kUserData, flat_descriptor(kDataType, 3));
  set_descriptor(kUserCode, flat_descriptor(kCodeType, 3, wide));
  set_descriptor(kTask, system_descriptor(kTssBusy, 0, kTss, 0x67));
  state.tr = Descriptor{system_descriptor(kTssBusy, 0, kTss, 0x67)}.segment(kTask);
  if (wide) {
    write<std::uint64_t>(kTss + 4, kKernelStack);
    write<std::uint64_t>(kTss + 0x24, kInterruptStack);
  } else {
    write<std::uint32_t>(kTss + 4, kKernelStack);
    write<std::uint16_t>(kTss + 8, kKernelData);
  }
  write<std::uint16_t>(kTss + 0x66, 0x68);  // No permission bitmap.

  state.idt = {.base = kIdt, .limit = static_cast<std::uint16_t>(256 * (wide ? 16 : 8) - 1)};
  for (unsigned vector = 0; vector < 256; ++vector) {
    set_gate(static_cast<std::uint8_t>(vector),
             gate_descriptor(kInterruptGate, 0, kKernelCode, kHandlers + vector * 16));
  }
}

void SystemCpu::make_pages() {
  constexpr std::uint64_t kPresentWritableUser = 7;
  constexpr std::uint64_t kLarge = 0x80;
  write<std::uint64_t>(kPageTables, (kPageTables + 0x1000) | kPresentWritableUser);
  write<std::uint64_t>(kPageTables + 0x1000, (kPageTables + 0x2000) | kPresentWritableUser);
  for (std::uint64_t i = 0; i < 2; ++i) {
    write<std::uint64_t>(kPageTables + 0x2000 + i * 8, i << 21 | kPresentWritableUser | kLarge);
  }
  Cpu& state = cpu();
  state.cr3 = kPageTables;
  state.cr4 |= kCr4Pae;
  state.cr0 |= kCr0Pg | kCr0Wp;
  state.efer = kEferSce | kEferLme | kEferLma;
}

void SystemCpu::enter_user() {
  Cpu& state = cpu();
  set_code_segment(state, flat_code(kUserCode, 3, state.long_mode()), 3);
  set_segment(state, Ss, flat_stack(kUserData, 3));
  for (auto const segment : {Es, Ds}) set_segment(state, segment, flat_stack(kUserData, 3));
  state.gpr[Rsp] = kUserStack;
}

void SystemCpu::set_descriptor(std::uint16_t selector, std::uint64_t low, std::uint64_t high) {
  std::uint32_t const at = kGdt + (selector & 0xfff8);
  write(at, low);
  if (high != 0) write(at + 8, high);
}

void SystemCpu::set_gate(std::uint8_t vector, std::uint64_t low) {
  std::uint32_t const size = cpu().idt.limit > 256 * 8 ? 16 : 8;
  write(kIdt + vector * size, low);
}

std::uint64_t SystemCpu::stacked(unsigned index, unsigned size) {
  std::uint64_t const top = cpu().segment_base[Ss] + cpu().gpr[Rsp] + std::uint64_t{index} * size;
  return cut(read<std::uint64_t>(top), size);
}

}  // namespace bh::vmm::soft
