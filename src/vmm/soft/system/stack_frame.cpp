#include "vmm/soft/system/stack_frame.h"

#include <cstring>

#include "vmm/soft/step/registers.h"
#include "vmm/soft/step/stack.h"

namespace bh::vmm::soft {

namespace {

std::uint64_t linear_of(StackTop const& top, std::uint64_t pointer) {
  std::uint64_t const linear = top.base + cut(pointer, top.width);
  return top.width == 8 ? linear : static_cast<std::uint32_t>(linear);
}

}  // namespace

StackTop current_stack(Cpu const& cpu) {
  bool const flat = cpu.code_size == CodeSize::Bits64;
  return {.pointer = cpu.gpr[Rsp],
          .base = flat ? 0 : cpu.segment_base[Ss],
          .width = stack_pointer_size(cpu),
          .privilege = current_privilege(cpu)};
}

void set_stack_pointer(Cpu& cpu, StackTop const& top, std::uint64_t pointer) {
  write_gpr(cpu, Rsp, top.width, cut(pointer, top.width));
}

Flow StackFrame::write(Cpu& cpu, StackTop& top, std::uint32_t error_code) const {
  std::array<std::byte, kCapacity * 8> bytes;
  for (std::size_t i = 0; i < count_; ++i) {
    // The word pushed first lies highest.
    std::memcpy(bytes.data() + (count_ - 1 - i) * slot_, &words_[i], slot_);
  }
  std::size_t const size = count_ * slot_;
  std::uint64_t const start = cut(top.pointer - size, top.width);
  auto const frame = std::span<std::byte const>(bytes).first(size);

  std::uint64_t const before_wrap =
      top.width == 8 ? size : (std::uint64_t{1} << (8 * top.width)) - start;
  if (before_wrap >= size) [[likely]] {
    if (auto const flow = write_piece(cpu, top, start, frame, error_code); flow != Flow::Next) {
      return flow;
    }
  } else {
    auto const high = frame.first(before_wrap);
    auto const low = frame.subspan(before_wrap);
    if (auto const flow = write_piece(cpu, top, start, high, error_code); flow != Flow::Next) {
      return flow;
    }
    if (auto const flow = write_piece(cpu, top, 0, low, error_code); flow != Flow::Next)
      return flow;
  }
  top.pointer = start;
  return Flow::Next;
}

Flow StackFrame::write_piece(Cpu& cpu, StackTop const& top, std::uint64_t pointer,
                             std::span<std::byte const> bytes, std::uint32_t error_code) const {
  std::uint64_t const linear = linear_of(top, pointer);
  if (auto* const host = cpu.mmu.tlb(top.privilege, Access::Write).find(linear, bytes.size()))
      [[likely]] {
    std::memcpy(host, bytes.data(), bytes.size());
    if (note_write(cpu, host, bytes.size())) [[unlikely]]
      cpu.code_changed = true;
    return Flow::Next;
  }
  auto const flow = write_memory(cpu, linear, bytes, top.privilege);
  if (flow == Flow::Fault && cpu.exception.vector == kGeneralProtection) {
    return cpu.raise(kStackFault, error_code);
  }
  return flow;
}

StackReader::StackReader(Cpu& cpu, unsigned slot)
    : cpu_(cpu), top_(current_stack(cpu)), pointer_(top_.pointer), slot_(slot) {}

Flow StackReader::pop(std::uint64_t& out) {
  if (auto const flow = load_sized(cpu_, linear_of(top_, pointer_), slot_, out); flow != Flow::Next)
      [[unlikely]] {
    return stack_fault(cpu_, flow);
  }
  pointer_ += slot_;
  return Flow::Next;
}

}  // namespace bh::vmm::soft
