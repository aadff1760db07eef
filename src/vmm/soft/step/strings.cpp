#include <algorithm>
#include <cstring>

#include "vmm/soft/step/handlers.h"
#include "vmm/soft/step/stack.h"

namespace bh::vmm::soft {

namespace {

/// Interrupts are looked at between pieces of a long string instruction.
constexpr std::uint64_t kLongestPiece = 1u << 16;

/// One string instruction in progress: registers move after each piece, so that a fault or an
/// interrupt leaves it restartable (SDM vol. 2, REP).
class StringRun {
 public:
  StringRun(Cpu& cpu, Op const& op)
      : cpu_(cpu),
        op_(op),
        size_(op.operand_size),
        step_((cpu.system_flags & kFlagDf) != 0 ? -static_cast<std::int64_t>(size_)
                                                : static_cast<std::int64_t>(size_)) {}

  bool repeated() const { return op_.repeat != Repeat::None; }
  bool forward() const { return step_ > 0; }
  unsigned size() const { return size_; }
  std::uint64_t count() const { return repeated() ? cut(cpu_.gpr[Rcx], op_.address_size) : 1; }

  /// The most elements one piece may have: one while single-stepping.
  std::uint64_t limit() const { return (cpu_.system_flags & kFlagTf) != 0 ? 1 : kLongestPiece; }

  std::uint64_t source() const { return linear(cpu_.gpr[Rsi], cpu_.segment_base[op_.segment]); }
  std::uint64_t destination() const {
    bool const flat = cpu_.code_size == CodeSize::Bits64;
    return linear(cpu_.gpr[Rdi], flat ? 0 : cpu_.segment_base[Es]);
  }

  void advance_source(std::uint64_t elements) { advance(Rsi, elements); }
  void advance_destination(std::uint64_t elements) { advance(Rdi, elements); }
  void count_down(std::uint64_t elements) {
    if (repeated()) write_gpr(cpu_, Rcx, op_.address_size, cpu_.gpr[Rcx] - elements);
  }

  /// Elements from here to the end of the page, going forward; 0 when the next one crosses it.
  std::uint64_t elements_in_page(std::uint64_t address) const {
    return (kPageSize - (address & (kPageSize - 1))) / size_;
  }

  /// Ends a piece: done, or the same instruction again.
  Flow after_piece() {
    bool const more = repeated() && count() != 0;
    if (!more) return finish(cpu_, op_);
    cpu_.code_changed = false;
    cpu_.rip = cpu_.this_rip(op_);
    return Flow::Leave;
  }
  Flow done() { return finish(cpu_, op_); }

 private:
  std::uint64_t linear(std::uint64_t reg, std::uint64_t base) const {
    std::uint64_t const address = cut(reg, op_.address_size) + base;
    return cpu_.code_size == CodeSize::Bits64 ? address : static_cast<std::uint32_t>(address);
  }
  void advance(Gpr reg, std::uint64_t elements) {
    // An element is done: answers of devices were for it, not for the next.
    cpu_.replay.clear();
    write_gpr(cpu_, reg, op_.address_size,
              cpu_.gpr[reg] + static_cast<std::uint64_t>(step_) * elements);
  }

  Cpu& cpu_;
  Op const& op_;
  unsigned size_;
  std::int64_t step_;
};

/// Whether a bulk copy of overlapping ranges would differ from copying element by element.
bool overlaps_ahead(std::byte const* from, std::byte const* to, std::uint64_t bytes) {
  return to > from && to < from + bytes;
}

Flow move_element(Cpu& cpu, StringRun& run) {
  std::uint64_t value = 0;
  if (auto const flow = load_sized(cpu, run.source(), run.size(), value); flow != Flow::Next) {
    return flow;
  }
  if (auto const flow = store_sized(cpu, run.destination(), run.size(), value);
      flow != Flow::Next) {
    return flow;
  }
  run.advance_source(1);
  run.advance_destination(1);
  run.count_down(1);
  return Flow::Next;
}

Flow store_element(Cpu& cpu, StringRun& run) {
  if (auto const flow = store_sized(cpu, run.destination(), run.size(), cpu.gpr[Rax]);
      flow != Flow::Next) {
    return flow;
  }
  run.advance_destination(1);
  run.count_down(1);
  return Flow::Next;
}

void fill(std::byte* to, std::uint64_t elements, unsigned size, std::uint64_t value) {
  if (size == 1) {
    std::memset(to, static_cast<int>(value & 0xff), elements);
    return;
  }
  for (std::uint64_t i = 0; i < elements; ++i) std::memcpy(to + i * size, &value, size);
}

/// Flags of `left - right`, as CMP sets them.
template <typename T>
ArithmeticFlags compare_as(std::uint64_t left, std::uint64_t right) {
  std::uint64_t flags = 0;
  T const a = static_cast<T>(left);
  T const b = static_cast<T>(right);
  // The red zone below RSP may hold live data.
  asm volatile("lea -128(%%rsp), %%rsp\n\tcmp %2, %1\n\tpushfq\n\tpop %0\n\tlea 128(%%rsp), %%rsp"
               : "=r"(flags)
               : "q"(a), "q"(b)
               : "cc", "memory");
  return ArithmeticFlags::from_rflags(flags);
}

ArithmeticFlags compare_sized(std::uint64_t left, std::uint64_t right, unsigned size) {
  switch (size) {
    case 1: return compare_as<std::uint8_t>(left, right);
    case 2: return compare_as<std::uint16_t>(left, right);
    case 4: return compare_as<std::uint32_t>(left, right);
    default: return compare_as<std::uint64_t>(left, right);
  }
}

/// REPE goes on while equal, REPNE while not.
bool goes_on(Cpu const& cpu, Op const& op) {
  return cpu.arithmetic.zf() == (op.repeat == Repeat::Equal);
}

}  // namespace

Flow move_string(Cpu& cpu, Op const& op) {
  StringRun run(cpu, op);
  std::uint64_t const count = std::min(run.count(), run.limit());
  if (count == 0) return run.done();
  if (run.repeated() && run.forward()) {
    std::uint64_t const elements = std::min(
        {count, run.elements_in_page(run.source()), run.elements_in_page(run.destination())});
    if (elements > 0) {
      Place from;
      Place to;
      auto const privilege = current_privilege(cpu);
      if (auto const flow = translate(cpu, run.source(), Access::Read, privilege, from);
          flow != Flow::Next) {
        return flow;
      }
      if (auto const flow = translate(cpu, run.destination(), Access::Write, privilege, to);
          flow != Flow::Next) {
        return flow;
      }
      std::uint64_t const bytes = elements * run.size();
      if (from.host != nullptr && to.host != nullptr &&
          !overlaps_ahead(from.host, to.host, bytes)) {
        std::memmove(to.host, from.host, bytes);
        if (note_write(cpu, to.host, bytes)) cpu.code_changed = true;
        run.advance_source(elements);
        run.advance_destination(elements);
        run.count_down(elements);
        return run.after_piece();
      }
    }
  }
  if (auto const flow = move_element(cpu, run); flow != Flow::Next) return flow;
  return run.after_piece();
}

Flow store_string(Cpu& cpu, Op const& op) {
  StringRun run(cpu, op);
  std::uint64_t const count = std::min(run.count(), run.limit());
  if (count == 0) return run.done();
  if (run.repeated() && run.forward()) {
    std::uint64_t const elements = std::min(count, run.elements_in_page(run.destination()));
    if (elements > 0) {
      Place to;
      if (auto const flow =
              translate(cpu, run.destination(), Access::Write, current_privilege(cpu), to);
          flow != Flow::Next) {
        return flow;
      }
      if (to.host != nullptr) {
        fill(to.host, elements, run.size(), cpu.gpr[Rax]);
        if (note_write(cpu, to.host, elements * run.size())) cpu.code_changed = true;
        run.advance_destination(elements);
        run.count_down(elements);
        return run.after_piece();
      }
    }
  }
  if (auto const flow = store_element(cpu, run); flow != Flow::Next) return flow;
  return run.after_piece();
}

Flow load_string(Cpu& cpu, Op const& op) {
  StringRun run(cpu, op);
  if (run.count() == 0) return run.done();
  std::uint64_t value = 0;
  if (auto const flow = load_sized(cpu, run.source(), run.size(), value); flow != Flow::Next) {
    return flow;
  }
  write_gpr(cpu, Rax, run.size(), value);
  run.advance_source(1);
  run.count_down(1);
  return run.after_piece();
}

Flow compare_string(Cpu& cpu, Op const& op) {
  StringRun run(cpu, op);
  for (std::uint64_t i = 0; run.count() != 0 && i < run.limit(); ++i) {
    std::uint64_t left = 0;
    std::uint64_t right = 0;
    if (auto const flow = load_sized(cpu, run.source(), run.size(), left); flow != Flow::Next) {
      return flow;
    }
    if (auto const flow = load_sized(cpu, run.destination(), run.size(), right);
        flow != Flow::Next) {
      return flow;
    }
    cpu.arithmetic = compare_sized(left, right, run.size());
    run.advance_source(1);
    run.advance_destination(1);
    run.count_down(1);
    if (!run.repeated() || !goes_on(cpu, op)) return run.done();
  }
  return run.count() == 0 ? run.done() : run.after_piece();
}

Flow scan_string(Cpu& cpu, Op const& op) {
  StringRun run(cpu, op);
  for (std::uint64_t i = 0; run.count() != 0 && i < run.limit(); ++i) {
    std::uint64_t value = 0;
    if (auto const flow = load_sized(cpu, run.destination(), run.size(), value);
        flow != Flow::Next) {
      return flow;
    }
    cpu.arithmetic = compare_sized(cpu.gpr[Rax], value, run.size());
    run.advance_destination(1);
    run.count_down(1);
    if (!run.repeated() || !goes_on(cpu, op)) return run.done();
  }
  return run.count() == 0 ? run.done() : run.after_piece();
}

}  // namespace bh::vmm::soft
