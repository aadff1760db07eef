#include "vmm/soft/translate/gate.h"

#include <array>

#include "vmm/soft/system/features.h"
#include "vmm/soft/translate/probe_place.h"

namespace bh::vmm::soft {

namespace {

constexpr std::array kCalleeSaved{Rbx, Rbp, R12, R13, R14, R15};

bool lives_in_memory(Gpr reg) {
  return reg == R11 || reg == R15;
}

class GateWriter {
 public:
  GateWriter(Assembler& out, StateLayout const& state) : out_(out), state_(state) {}

  Gate write() {
    Gate gate;
    gate.leave = leave();
    gate.leave_with_flags = leave_with_flags(gate.leave);
    for (auto const privilege : {Privilege::Supervisor, Privilege::User}) {
      for (auto const access : {Access::Read, Access::Write}) {
        auto const p = static_cast<std::size_t>(privilege);
        auto const a = access == Access::Write ? 1u : 0u;
        gate.leave_miss[p][a] = leave_miss(state_.tlb_tag(privilege, access), gate.leave);
        gate.refill[p][a] = refill(privilege, access, gate.leave);
        gate.search[p][a] = search(privilege, access, gate.leave);
      }
    }
    gate.load_vectors = load_vectors();
    gate.load_x87 = load_x87();
    gate.unknown = unknown(gate.leave);
    for (auto const privilege : {Privilege::Supervisor, Privilege::User}) {
      auto const p = static_cast<std::size_t>(privilege);
      gate.look_further[p] = look_further(privilege, gate.leave);
      gate.look_up[p] = look_up(privilege, gate.unknown, gate.look_further[p]);
    }
    for (bool const vectors : {false, true}) {
      for (bool const x87 : {false, true}) {
        FpuLoad const fpu{vectors, x87};
        gate.enter[fpu.number()] = enter(fpu);
      }
    }
    return gate;
  }

 private:
  Gate::Enter enter(FpuLoad fpu) {
    auto const start = out_.here();
    for (auto const reg : kCalleeSaved) out_.push(reg);
    out_.store_state(state_.host_stack(), Rsp);
    out_.store_state(state_.enter_at(), Rdi);
    // In this order: the x87 image has vectors, too.
    if (fpu.x87) x87_in();
    if (fpu.vectors) vectors_in();
    for (unsigned i = 0; i < 16; ++i) {
      auto const reg = static_cast<Gpr>(i);
      if (!lives_in_memory(reg)) out_.load_state(reg, state_.gpr(i));
    }
    out_.load_state(R11, state_.target());
    out_.jump_state(state_.enter_at());
    return reinterpret_cast<Gate::Enter>(start);
  }

  std::uint64_t leave() {
    auto const start = out_.here();
    for (unsigned i = 0; i < 16; ++i) {
      auto const reg = static_cast<Gpr>(i);
      if (!lives_in_memory(reg)) out_.store_state(state_.gpr(i), reg);
    }
    out_.load_state(Rsp, state_.host_stack());
    if_set(state_.vectors_loaded(), [this] { vectors_out(); });
    if_set(state_.x87_loaded(), [this] { x87_out(); });
    for (auto reg = kCalleeSaved.rbegin(); reg != kCalleeSaved.rend(); ++reg) out_.pop(*reg);
    out_.ret();
    return start;
  }

  std::uint64_t leave_with_flags(std::uint64_t leave) {
    auto const start = out_.here();
    out_.save_flags(state_.flags(), R11);
    out_.jump(leave);
    return start;
  }

  std::uint64_t leave_miss(std::int32_t tag, std::uint64_t leave) {
    auto const start = out_.here();
    out_.xor_state_at(R11, R15, tag);
    out_.store_state(state_.miss_address(), R11);
    out_.jump(leave);
    return start;
  }

  // RAX is the place, R15 the entry of the TLB, R11 the linear address and then the offset.
  std::uint64_t refill(Privilege privilege, Access access, std::uint64_t leave) {
    auto const start = out_.here();
    out_.store_state(state_.spare(0), Rax);
    out_.store_state(state_.spare(1), Rcx);
    out_.move(Rax, R15);
    out_.load16(Rcx, Rax, ProbePlace::kSlot);
    out_.xor_state_at(R11, Rcx, state_.slot_page(privilege, access));
    out_.subtract_state_at(Rcx, state_.slot_patience(privilege, access), 1);
    out_.jump_if(Condition::Equal, out_.here());
    auto const impatient = out_.size();
    auto const miss = probe(privilege, access);
    out_.store_state(state_.spare(2), Rdx);
    out_.load_state_at(Rdx, R15, state_.tlb_noted(privilege));
    out_.load_state_at(R15, R15, state_.tlb_host(privilege));
    out_.store_state_at(Rcx, state_.slot_page(privilege, access), Rdx);
    out_.store_state_at(Rcx, state_.slot_host(privilege, access), R15);
    out_.load_state(Rdx, state_.spare(2));
    out_.load_state(Rcx, state_.spare(1));
    go_on();
    for (auto const jump_end : miss) out_.land(jump_end);
    out_.xor_state_at(R11, R15, state_.tlb_tag(privilege, access));
    out_.jump(out_.here());
    auto const missed = out_.size();
    out_.land(impatient);
    out_.store_state8(state_.impatient(), 1);
    out_.land(missed);
    out_.load_state(Rcx, state_.spare(1));
    leave_place(leave);
    return start;
  }

  std::uint64_t search(Privilege privilege, Access access, std::uint64_t leave) {
    auto const start = out_.here();
    out_.store_state(state_.spare(0), Rax);
    out_.move(Rax, R15);
    auto const miss = probe(privilege, access);
    out_.load_state_at(R15, R15, state_.tlb_host(privilege));
    go_on();
    for (auto const jump_end : miss) out_.land(jump_end);
    out_.xor_state_at(R11, R15, state_.tlb_tag(privilege, access));
    leave_place(leave);
    return start;
  }

  /// Returns the jumps of a miss, for Assembler::land().
  std::array<std::size_t, 2> probe(Privilege privilege, Access access) {
    std::array<std::size_t, 2> miss{};
    write_tlb_look(out_, state_, privilege, access);
    out_.compare(R11, static_cast<std::uint32_t>(kPageSize - 1));
    out_.jump_if(Condition::Above, out_.here());
    miss[0] = out_.size();
    out_.compare16(R11, Rax, ProbePlace::kLimit);
    out_.jump_if(Condition::Above, out_.here());
    miss[1] = out_.size();
    return miss;
  }
  void go_on() {
    out_.load_address(Rax, Rax, ProbePlace::kSize);
    out_.store_state(state_.spare(3), Rax);
    out_.load_state(Rax, state_.spare(0));
    out_.jump_state(state_.spare(3));
  }
  void leave_place(std::uint64_t leave) {
    out_.store_state(state_.miss_address(), R11);
    out_.load32(Rax, Rax, ProbePlace::kSite);
    out_.store_state32(state_.site(), Rax);
    out_.load_state(Rax, state_.spare(0));
    out_.jump(leave);
  }

  std::uint64_t unknown(std::uint64_t leave) {
    auto const start = out_.here();
    out_.store_state(state_.target(), R11);
    out_.store_state32(state_.site(), Crossing::kNoSite);
    out_.jump(leave);
    return start;
  }

  std::uint64_t look_up(Privilege privilege, std::uint64_t unknown, std::uint64_t further) {
    auto const start = out_.here();
    auto const misses = write_look_up(out_, state_, privilege);
    out_.land(misses.attention);
    out_.jump(unknown);
    out_.land(misses.unknown);
    out_.store_state32(state_.site(), Crossing::kNoSite);
    out_.jump(further);
    return start;
  }

  std::uint64_t look_further(Privilege privilege, std::uint64_t leave) {
    auto const start = out_.here();
    out_.store_state(state_.spare(1), R15);
    // JumpTable::slot_of, times the size of an entry.
    out_.move32(R15, R11);
    out_.shift_right32(R15, 6);
    out_.xor32(R15, R11);
    out_.and32(R15, JumpTable::kEntries - 1);
    static_assert(sizeof(JumpTable::Entry) == 16);
    out_.shift_left32(R15, 4);
    out_.compare_state_at(R11, R15, state_.jump_rip(privilege));
    out_.jump_if(Condition::NotEqual, out_.here());
    auto const unknown = out_.size();
    out_.store_state(state_.spare(0), Rax);
    out_.load_state_at(Rax, R15, state_.jump_code(privilege));
    out_.load_state(R15, state_.spare(1));
    out_.store_state_indexed(R15, state_.recent_rip(privilege), R11);
    out_.store_state_indexed(R15, state_.recent_code(privilege), Rax);
    out_.load_state(Rax, state_.spare(0));
    out_.jump_state_indexed(R15, state_.recent_code(privilege));
    out_.land(unknown);
    out_.store_state(state_.target(), R11);
    out_.jump(leave);
    return start;
  }

  std::uint64_t load_vectors() {
    auto const start = out_.here();
    vectors_in();
    out_.jump(R11);
    return start;
  }

  std::uint64_t load_x87() {
    auto const start = out_.here();
    if_set(state_.vectors_loaded(), [this] { vectors_kept(); });
    x87_in();
    if_set(state_.vectors_loaded(), [this] { vectors_in(); });
    out_.jump(R11);
    return start;
  }

  void x87_in() {
    out_.fxrstor64(state_.fxsave());
    out_.store_state8(state_.x87_loaded(), 1);
  }
  /// The host's MXCSR is back: it becomes part of the image.
  void x87_out() {
    out_.fxsave64(state_.fxsave());
    out_.fninit();
    out_.store_state8(state_.x87_loaded(), 0);
    out_.store_state8(state_.x87_stored(), 1);
  }

  /// Runs `then` unless the flag in the vCPU's state is clear.
  template <typename Then>
  void if_set(std::int32_t flag, Then then) {
    out_.compare_state8(flag, 0);
    out_.jump_if(Condition::Equal, out_.here());
    auto const clear = out_.size();
    then();
    out_.land(clear);
  }

  // Upper halves are moved only if they are not zero: having them loaded makes legacy SSE code run
  // several times slower on some hosts, even if they are zero.
  void uppers_in() {
    out_.zero_xmm(0);
    for (unsigned i = 0; i < 16; ++i) out_.or_state_xmm(0, state_.upper_half(i));
    out_.store_state8(state_.uppers(), 0);
    out_.store_state8(state_.uppers_stored(), 0);
    out_.test_xmm(0);
    out_.jump_if(Condition::Equal, out_.here());
    auto const zero = out_.size();
    for (unsigned i = 0; i < 16; ++i) out_.load_state_ymm(i, state_.vector(i));
    out_.store_state8(state_.uppers(), 1);
    out_.store_state8(state_.uppers_stored(), 1);
    out_.land(zero);
  }
  void uppers_kept() {
    if_set(state_.uppers_stored(), [this] {
      // Zero, unless the next lines say otherwise. XMM0 is in memory already.
      out_.zero_xmm(0);
      for (unsigned i = 0; i < 16; ++i) out_.store_state_xmm(state_.upper_half(i), 0);
      out_.load_state_xmm(0, state_.vector(0));
    });
    if_set(state_.uppers(), [this] {
      for (unsigned i = 0; i < 16; ++i) out_.store_state_ymm(state_.vector(i), i);
    });
  }

  void vectors_kept() {
    for (unsigned i = 0; i < 16; ++i) out_.store_state_xmm(state_.vector(i), i);
    if (host_has_avx()) uppers_kept();
    out_.store_mxcsr(state_.mxcsr());
  }
  void vectors_in() {
    if (host_has_avx()) uppers_in();
    for (unsigned i = 0; i < 16; ++i) out_.load_state_xmm(i, state_.vector(i));
    out_.load_mxcsr(state_.mxcsr());
    out_.store_state8(state_.vectors_loaded(), 1);
  }
  void vectors_out() {
    vectors_kept();
    if (host_has_avx()) if_set(state_.uppers(), [this] { out_.vzeroupper(); });
    out_.load_mxcsr(state_.host_mxcsr());
    out_.store_state8(state_.vectors_loaded(), 0);
  }

  Assembler& out_;
  StateLayout const& state_;
};

}  // namespace

Gate write_gate(Assembler& out, StateLayout const& state) {
  return GateWriter(out, state).write();
}

void write_tlb_look(Assembler& out, StateLayout const& state, Privilege privilege, Access access) {
  // Page number times the size of an entry.
  static_assert(sizeof(InlineTlb::Entry) == 32);
  constexpr unsigned kEntryShift = 5;
  out.move32(R15, R11);
  out.shift_right32(R15, kPageShift - kEntryShift);
  out.and32(R15, static_cast<std::uint32_t>((InlineTlb::kEntries - 1) << kEntryShift));
  out.xor_state_at(R11, R15, state.tlb_tag(privilege, access));
}

namespace {

std::size_t poll(Assembler& out, StateLayout const& state) {
  out.compare_state32(state.attention(), 0);
  out.jump_if(Condition::NotEqual, out.here());
  return out.size();
}

}  // namespace

LookUpMisses write_look_up(Assembler& out, StateLayout const& state, Privilege privilege) {
  LookUpMisses misses{};
  misses.attention = poll(out, state);
  constexpr unsigned kHashShift = 9;
  out.move32(R15, R11);
  out.shift_right32(R15, kHashShift);
  out.xor32(R15, R11);
  out.and32(R15, RecentJumps::kHashed - 1);
  out.compare_state_indexed(R11, R15, state.recent_rip(privilege));
  out.jump_if(Condition::NotEqual, out.here());
  misses.unknown = out.size();
  out.jump_state_indexed(R15, state.recent_code(privilege));
  return misses;
}

LookUpMisses write_look_up(Assembler& out, StateLayout const& state, Privilege privilege,
                           std::size_t slot) {
  LookUpMisses misses{};
  misses.attention = poll(out, state);
  auto const number = RecentJumps::kHashed + slot;
  out.compare_state(R11, state.recent_rip(privilege, number));
  out.jump_if(Condition::NotEqual, out.here());
  misses.unknown = out.size();
  out.jump_state(state.recent_code(privilege, number));
  return misses;
}

}  // namespace bh::vmm::soft
