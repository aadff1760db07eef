#include <array>
#include <cstring>
#include <mutex>

#include "vmm/soft/mmu/access.h"
#include "vmm/soft/step/handlers.h"
#include "vmm/soft/step/registers.h"
#include "vmm/soft/system/handlers.h"

namespace bh::vmm::soft {

namespace {

// Operands up to XSAVE's do not come here: the largest native one is FNSAVE's 108 bytes.
constexpr std::size_t kLargestOperand = 128;

/// Opcode and addresses of the last x87 instruction that was no control instruction (SDM vol. 1,
/// 8.1.8 and 8.1.9), as the FXSAVE64 image has them.
struct X87Pointers {
  std::uint16_t opcode = 0;
  std::uint64_t instruction = 0;
  std::uint64_t data = 0;
};
constexpr std::size_t kFxsaveOpcode = 6;
constexpr std::size_t kFxsaveInstruction = 8;
constexpr std::size_t kFxsaveData = 16;

constexpr std::size_t kFxsaveStatus = 2;
constexpr unsigned kX87ErrorSummary = 0x80;

X87Pointers x87_pointers(Cpu const& cpu) {
  X87Pointers pointers;
  std::memcpy(&pointers.opcode, cpu.fxsave.data() + kFxsaveOpcode, sizeof pointers.opcode);
  std::memcpy(&pointers.instruction, cpu.fxsave.data() + kFxsaveInstruction,
              sizeof pointers.instruction);
  std::memcpy(&pointers.data, cpu.fxsave.data() + kFxsaveData, sizeof pointers.data);
  return pointers;
}

/// Where the host noted the stub's instruction and operand, puts the guest's: a host address must
/// not show, and the stub names other registers.
void hide_host_pointers(Cpu& cpu, Op const& op, X87Pointers const& before) {
  X87Pointers pointers = x87_pointers(cpu);
  if (pointers.instruction == before.instruction || op.x87_opcode == kNoX87Opcode) return;
  pointers.opcode = op.x87_opcode;
  pointers.instruction = cpu.this_rip(op);
  if (op.has_memory) pointers.data = effective_offset(cpu, op);
  std::memcpy(cpu.fxsave.data() + kFxsaveOpcode, &pointers.opcode, sizeof pointers.opcode);
  std::memcpy(cpu.fxsave.data() + kFxsaveInstruction, &pointers.instruction,
              sizeof pointers.instruction);
  std::memcpy(cpu.fxsave.data() + kFxsaveData, &pointers.data, sizeof pointers.data);
}

bool x87_error_pending(Cpu const& cpu) {
  return (std::to_integer<unsigned>(cpu.fxsave[kFxsaveStatus]) & kX87ErrorSummary) != 0;
}

Flow trapped(Cpu& cpu, int result) {
  auto const vector = static_cast<std::uint8_t>(result);
  return vector == kGeneralProtection ? cpu.raise(vector, 0) : cpu.raise(vector);
}

Flow run_stub(Cpu& cpu, Op const& op, void* memory) {
  if (op.fpu != FpuUse::None) {
    if (auto const flow = check_fpu(cpu, op); flow != Flow::Next) return flow;
  }
  bool const x87 = op.fpu == FpuUse::X87 || op.fpu == FpuUse::Mmx;
  X87Pointers const before = x87 ? x87_pointers(cpu) : X87Pointers{};
  cpu.running_stub = op.stub;
  int const result = op.stub(&cpu, memory);
  if (result != 0) [[unlikely]]
    return trapped(cpu, result);
  if (x87) hide_host_pointers(cpu, op, before);
  return Flow::Next;
}

/// The operand crosses a page or is a device: run on a copy.
Flow run_on_copy(Cpu& cpu, Op const& op, std::uint64_t linear, std::ptrdiff_t bias) {
  // A locked access across pages is atomic among vCPUs that take this path, not against others.
  static std::mutex split_lock;
  std::unique_lock<std::mutex> guard(split_lock, std::defer_lock);
  if (op.lock) guard.lock();

  auto const privilege = current_privilege(cpu);
  if (op.memory_size > kLargestOperand) return cpu.raise(kGeneralProtection, 0);
  // Misaligned as the original is, so that instructions that check alignment see the same.
  alignas(64) std::array<std::byte, kLargestOperand + 64> buffer{};
  std::byte* const copy = buffer.data() + (linear & 63);
  std::span<std::byte> const bytes(copy, op.memory_size);
  bool const writes = op.memory_access != OperandAccess::Read;
  if (writes) {
    if (auto const flow = probe_write(cpu, linear, bytes.size(), privilege); flow != Flow::Next) {
      return flow;
    }
  }
  if (op.memory_access != OperandAccess::Write) {
    if (auto const flow = read_memory(cpu, linear, bytes, privilege); flow != Flow::Next)
      return flow;
  }
  if (!writes) return run_stub(cpu, op, copy - bias);

  // The write may end in Flow::Exit and the instruction start again: registers must not have
  // changed.
  Cpu::NativeState const before = cpu.native_state();
  if (auto const flow = run_stub(cpu, op, copy - bias); flow != Flow::Next) return flow;
  if (auto const flow = write_memory(cpu, linear, bytes, privilege); flow != Flow::Next) {
    cpu.set_native_state(before);
    return flow;
  }
  return finish(cpu, op);
}

/// Exceptions that come before those of the memory access.
Flow check_before_access(Cpu& cpu, Op const& op, std::uint64_t linear) {
  if (op.fpu != FpuUse::None) {
    if (auto const flow = check_fpu(cpu, op); flow != Flow::Next) return flow;
  }
  if (op.x87_waits && x87_error_pending(cpu)) return cpu.raise(kX87Error);
  if (op.alignment != 0 && linear % op.alignment != 0) {
    return cpu.raise(kGeneralProtection, 0);
  }
  return Flow::Next;
}

/// `bias`: how far the instruction itself moves from the pointer it is given.
Flow run_with_memory(Cpu& cpu, Op const& op, std::uint64_t linear, std::ptrdiff_t bias) {
  bool const writes = op.memory_access != OperandAccess::Read;
  Tlb& tlb = cpu.mmu.tlb(current_privilege(cpu), writes ? Access::Write : Access::Read);
  std::byte* host = tlb.find(linear, op.memory_size);
  if (host == nullptr) [[unlikely]] {
    if (auto const flow = check_before_access(cpu, op, linear); flow != Flow::Next) return flow;
    bool const crosses = (linear & (kPageSize - 1)) + op.memory_size > kPageSize;
    if (!crosses) {
      Place place;
      if (auto const flow = translate(cpu, linear, writes ? Access::Write : Access::Read,
                                      current_privilege(cpu), place);
          flow != Flow::Next) {
        return flow;
      }
      host = place.host;
    }
    if (host == nullptr) return run_on_copy(cpu, op, linear, bias);
  }
  if (auto const flow = run_stub(cpu, op, host - bias); flow != Flow::Next) [[unlikely]]
    return flow;
  if (writes && note_write(cpu, host, op.memory_size)) [[unlikely]] {
    cpu.code_changed = true;
    return finish(cpu, op);
  }
  return Flow::Next;
}

}  // namespace

Flow native_registers(Cpu& cpu, Op const& op) {
  return run_stub(cpu, op, nullptr);
}

Flow native_memory(Cpu& cpu, Op const& op) {
  return run_with_memory(cpu, op, effective_address(cpu, op), 0);
}

std::int64_t bit_string_distance(Cpu const& cpu, Op const& op) {
  unsigned const size = op.operand_size;
  std::int64_t bit = 0;
  switch (size) {
    case 2: bit = static_cast<std::int16_t>(cpu.gpr[op.reg[1]]); break;
    case 4: bit = static_cast<std::int32_t>(cpu.gpr[op.reg[1]]); break;
    default: bit = static_cast<std::int64_t>(cpu.gpr[op.reg[1]]); break;
  }
  unsigned const shift = size == 2 ? 4 : size == 4 ? 5 : 6;
  return (bit >> shift) * static_cast<int>(size);
}

Flow native_bit_string(Cpu& cpu, Op const& op) {
  // The register selects a bit anywhere: the operand is the piece that holds it, and the host
  // adds the same distance to the pointer it is given.
  std::int64_t const distance = bit_string_distance(cpu, op);
  std::uint64_t offset = effective_offset(cpu, op) + static_cast<std::uint64_t>(distance);
  offset = cut(offset, op.address_size) + cpu.segment_base[op.segment];
  std::uint64_t const linear =
      cpu.code_size == CodeSize::Bits64 ? offset : static_cast<std::uint32_t>(offset);
  return run_with_memory(cpu, op, linear, distance);
}

}  // namespace bh::vmm::soft
