#include "vmm/soft/native/stub_cache.h"

#include <array>
#include <cstring>
#include <optional>

#include "vmm/soft/native/emitter.h"
#include "vmm/soft/native/rewrite.h"

namespace bh::vmm::soft {

namespace {

// A stub takes about 100 bytes and a busy guest needs a few thousand different ones.
constexpr std::size_t kPoolSize = 4u << 20;
// In front of a stub's entry: the offset of its landing, padded to keep the entry aligned.
constexpr std::size_t kHeaderSize = 16;

constexpr auto kGprOffset = static_cast<std::uint32_t>(offsetof(Cpu, gpr));
constexpr auto kFlagsOffset = static_cast<std::uint32_t>(offsetof(Cpu, arithmetic));
constexpr auto kMxcsrOffset = static_cast<std::uint32_t>(offsetof(Cpu, mxcsr));
constexpr auto kHostMxcsrOffset = static_cast<std::uint32_t>(offsetof(Cpu, host_mxcsr));
constexpr auto kYmmOffset = static_cast<std::uint32_t>(offsetof(Cpu, ymm));
constexpr auto kFxsaveOffset = static_cast<std::uint32_t>(offsetof(Cpu, fxsave));

constexpr std::array kCalleeSaved{Rbx, Rbp, R12, R13, R14, R15};

/// What of the guest's state the instruction needs loaded and stored, beyond general registers.
struct StateUse {
  bool flags_in = false;
  bool flags_out = false;
  bool x87 = false;
  bool mxcsr = false;
  bool vex = false;
  std::uint16_t vectors = 0;
  std::uint16_t vectors_written = 0;
};

bool is_x87_or_mmx(ZydisRegister reg) {
  auto const kind = ZydisRegisterGetClass(reg);
  return kind == ZYDIS_REGCLASS_X87 || kind == ZYDIS_REGCLASS_MMX;
}

std::optional<unsigned> vector_register(ZydisRegister reg) {
  if (reg >= ZYDIS_REGISTER_XMM0 && reg <= ZYDIS_REGISTER_XMM15) return reg - ZYDIS_REGISTER_XMM0;
  if (reg >= ZYDIS_REGISTER_YMM0 && reg <= ZYDIS_REGISTER_YMM15) return reg - ZYDIS_REGISTER_YMM0;
  return std::nullopt;
}

bool is_float(ZydisElementType type) {
  return type == ZYDIS_ELEMENT_TYPE_FLOAT16 || type == ZYDIS_ELEMENT_TYPE_FLOAT32 ||
         type == ZYDIS_ELEMENT_TYPE_FLOAT64;
}

/// Whether rounding, exceptions or denormals can matter. The decoder names MXCSR for few of the
/// instructions that use it, so this goes by operand types, and may say yes too often.
bool uses_mxcsr(Instruction const& instruction) {
  auto const category = instruction.decoded.meta.category;
  if (category == ZYDIS_CATEGORY_DATAXFER || category == ZYDIS_CATEGORY_LOGICAL_FP ||
      category == ZYDIS_CATEGORY_X87_ALU) {
    return false;
  }
  auto const mnemonic = instruction.decoded.mnemonic;
  if (mnemonic == ZYDIS_MNEMONIC_ROUNDSS || mnemonic == ZYDIS_MNEMONIC_ROUNDSD) return true;
  for (auto const& operand : instruction.all_operands()) {
    if (is_float(operand.element_type)) return true;
    if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER && operand.reg.value == ZYDIS_REGISTER_MXCSR) {
      return true;
    }
  }
  return false;
}

StateUse state_use(Instruction const& instruction) {
  StateUse use;
  auto const& decoded = instruction.decoded;
  use.mxcsr = uses_mxcsr(instruction);
  use.vex = decoded.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
  auto const isa = decoded.meta.isa_set;
  use.x87 = isa == ZYDIS_ISA_SET_X87 || isa == ZYDIS_ISA_SET_FCMOV ||
            isa == ZYDIS_ISA_SET_SSE3X87 || isa == ZYDIS_ISA_SET_PENTIUMMMX;
  for (auto const& operand : instruction.all_operands()) {
    if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
    if (is_x87_or_mmx(operand.reg.value)) use.x87 = true;
    if (auto const vector = vector_register(operand.reg.value)) {
      use.vectors |= static_cast<std::uint16_t>(1u << *vector);
      if ((operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0) {
        use.vectors_written |= static_cast<std::uint16_t>(1u << *vector);
      }
    }
  }
  if (auto const* flags = decoded.cpu_flags; flags != nullptr) {
    std::uint32_t const all = kFlagsArithmetic;
    std::uint32_t const surely_written = (flags->modified | flags->set_0 | flags->set_1) & all;
    std::uint32_t const touched = surely_written | (flags->undefined & all);
    use.flags_out = touched != 0;
    // Shifts and rotates by zero keep all flags, and undefined ones often mean "unchanged".
    bool const may_keep = decoded.meta.category == ZYDIS_CATEGORY_SHIFT ||
                          decoded.meta.category == ZYDIS_CATEGORY_ROTATE;
    use.flags_in = (flags->tested & all) != 0 || (touched != 0 && surely_written != all) ||
                   (touched != 0 && may_keep);
  }
  return use;
}

class StubWriter {
 public:
  StubWriter(Rewritten const& code, StateUse const& use) : code_(code), use_(use) {}

  std::span<std::uint8_t const> write() {
    for (std::size_t i = 0; i < kHeaderSize; ++i) emit_.byte(0xcc);
    load_state();
    emit_.bytes(code_.code());
    store_state();
    emit_.set_eax(0);
    leave();
    landing_ = emit_.size() - kHeaderSize;
    land();
    return emit_.code();
  }
  std::uint32_t landing() const { return static_cast<std::uint32_t>(landing_); }

 private:
  bool pushed(Gpr reg) const {
    return code_.used.has(reg) || code_.state == reg || code_.memory == reg;
  }
  static std::uint32_t gpr_offset(Gpr reg) { return kGprOffset + 8u * reg; }
  static std::uint32_t vector_offset(unsigned index) { return kYmmOffset + 32u * index; }
  /// The guest register that host register `reg` stands for.
  Gpr guest(Gpr reg) const { return reg == code_.rsp_stand_in ? Rsp : reg; }

  void load_state() {
    Gpr const state = code_.state;
    for (auto const reg : kCalleeSaved) {
      if (pushed(reg)) emit_.push(reg);
    }
    if (state != Rdi) emit_.move(state, Rdi);
    if (code_.memory != Rsi) emit_.move(code_.memory, Rsi);
    if (use_.x87) emit_.fxrstor64(state, kFxsaveOffset);
    if (use_.mxcsr) emit_.ldmxcsr(state, kMxcsrOffset);
    for (unsigned i = 0; i < 16; ++i) {
      if ((use_.vectors >> i & 1) == 0) continue;
      if (use_.vex) {
        emit_.load_ymm(i, state, vector_offset(i));
      } else {
        emit_.load_xmm(i, state, vector_offset(i));
      }
    }
    if (use_.flags_in) emit_.load_flags(state, kFlagsOffset);
    for (unsigned i = 0; i < 16; ++i) {
      auto const reg = static_cast<Gpr>(i);
      if (code_.used.has(reg)) emit_.load64(reg, state, gpr_offset(guest(reg)));
    }
  }

  void store_state() {
    Gpr const state = code_.state;
    for (unsigned i = 0; i < 16; ++i) {
      auto const reg = static_cast<Gpr>(i);
      if (code_.written.has(reg)) emit_.store64(reg, state, gpr_offset(guest(reg)));
    }
    if (use_.flags_out) emit_.store_flags(state, kFlagsOffset);
    for (unsigned i = 0; i < 16; ++i) {
      if ((use_.vectors_written >> i & 1) == 0) continue;
      if (use_.vex) {
        emit_.store_ymm(i, state, vector_offset(i));
      } else {
        emit_.store_xmm(i, state, vector_offset(i));
      }
    }
    put_back_fpu();
    if (use_.x87) {
      emit_.fxsave64(state, kFxsaveOffset);
      emit_.fninit();
    }
  }

  /// The C++ around us expects the default MXCSR and clean upper halves.
  void put_back_fpu() {
    // Legacy SSE code runs many times slower after dirty upper halves.
    if (use_.vex) emit_.vzeroupper();
    if (use_.mxcsr) {
      emit_.stmxcsr(code_.state, kMxcsrOffset);
      emit_.ldmxcsr(code_.state, kHostMxcsrOffset);
    }
  }

  void leave() {
    for (auto reg = kCalleeSaved.rbegin(); reg != kCalleeSaved.rend(); ++reg) {
      if (pushed(*reg)) emit_.pop(*reg);
    }
    emit_.ret();
  }

  /// A trap in the instruction lands here: nothing is written back but MXCSR's sticky bits.
  void land() {
    put_back_fpu();
    if (use_.x87) emit_.fninit();
    leave();
  }

  Rewritten const& code_;
  StateUse const& use_;
  Emitter emit_;
  std::size_t landing_ = 0;
};

}  // namespace

Result<StubCache> StubCache::create() {
  auto pool = BH_TRY(CodePool::create(kPoolSize));
  return StubCache(std::move(pool));
}

Stub StubCache::find_or_build(Instruction const& instruction) {
  auto const rewritten = rewrite(instruction);
  if (!rewritten) return nullptr;
  auto const code = rewritten->code();
  // The same bytes mean another instruction where a register stands in for RSP.
  std::string key(reinterpret_cast<char const*>(code.data()), code.size());
  key.push_back(static_cast<char>(rewritten->rsp_stand_in));
  if (auto const found = stubs_.find(key); found != stubs_.end()) return found->second;

  StateUse const use = state_use(instruction);
  StubWriter writer(*rewritten, use);
  auto const bytes = writer.write();
  std::array<std::uint8_t, 512> image;
  std::memcpy(image.data(), bytes.data(), bytes.size());
  std::uint32_t const landing = writer.landing();
  std::memcpy(image.data(), &landing, sizeof landing);
  void* const start = pool_.add(std::span(image).first(bytes.size()));
  if (start == nullptr) {
    full_ = true;
    return nullptr;
  }
  auto const stub = reinterpret_cast<Stub>(static_cast<std::byte*>(start) + kHeaderSize);
  stubs_.emplace(std::move(key), stub);
  return stub;
}

void StubCache::clear() {
  stubs_.clear();
  pool_.clear();
  full_ = false;
}

std::uint64_t StubCache::landing_of(Stub stub) {
  auto const entry = reinterpret_cast<std::uint64_t>(stub);
  std::uint32_t landing = 0;
  std::memcpy(&landing, reinterpret_cast<void const*>(entry - kHeaderSize), sizeof landing);
  return entry + landing;
}

}  // namespace bh::vmm::soft
