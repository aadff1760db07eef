#include "vmm/soft/system/gate.h"

#include "vmm/soft/mmu/access.h"
#include "vmm/soft/mmu/walk.h"
#include "vmm/soft/system/descriptor_table.h"
#include "vmm/soft/system/not_supported.h"
#include "vmm/soft/system/segment_register.h"
#include "vmm/soft/system/stack_frame.h"

namespace bh::vmm::soft {

namespace {

constexpr std::uint32_t kErrorExternal = 1;  // EXT
constexpr std::uint32_t kErrorIdt = 2;

constexpr std::uint64_t kClearedByAnyGate = kFlagTf | kFlagNt | kFlagRf | kFlagVm;

class GateEntry {
 public:
  GateEntry(Cpu& cpu, Event const& event)
      : cpu_(cpu),
        event_(event),
        external_(event.source == Event::Source::Hardware ? kErrorExternal : 0) {}

  Flow run() {
    if (!cpu_.protected_mode()) return real_mode();
    if (auto const flow = read_gate(); flow != Flow::Next) return flow;
    if (auto const flow = check_gate(); flow != Flow::Next) return flow;
    if (auto const flow = read_target(); flow != Flow::Next) return flow;
    if (auto const flow = choose_stack(); flow != Flow::Next) return flow;
    if (auto const flow = write_frame(); flow != Flow::Next) return flow;
    commit();
    return Flow::Next;
  }

 private:
  std::uint32_t gate_error() const { return event_.vector * 8u | kErrorIdt | external_; }
  std::uint64_t pushed_flags() const {
    return (cpu_.rflags() & ~kFlagRf) | (event_.resume_flag ? kFlagRf : 0);
  }

  Flow real_mode() {
    std::uint32_t const offset = event_.vector * 4u;
    if (offset + 3 > cpu_.idt.limit) return cpu_.raise(kGeneralProtection);
    std::uint32_t vector = 0;
    if (auto const flow = load(cpu_, cpu_.idt.base + offset, vector, Privilege::Supervisor);
        flow != Flow::Next) {
      return flow;
    }
    StackTop top = current_stack(cpu_);
    StackFrame frame(2);
    frame.push(cpu_.rflags());
    frame.push(cpu_.segments[Cs].selector);
    frame.push(event_.return_rip);
    if (auto const flow = frame.write(cpu_, top); flow != Flow::Next) return flow;
    set_stack_pointer(cpu_, top, top.pointer);
    load_real_segment(cpu_, Cs, static_cast<std::uint16_t>(vector >> 16));
    cpu_.rip = vector & 0xffff;
    cpu_.system_flags &= ~(kFlagIf | kFlagTf | kFlagAc | kFlagRf);
    return Flow::Next;
  }

  Flow read_gate() {
    bool const wide = cpu_.long_mode();
    std::uint32_t const size = wide ? 16 : 8;
    std::uint32_t const offset = event_.vector * size;
    if (offset + size - 1 > cpu_.idt.limit) return cpu_.raise(kGeneralProtection, gate_error());
    std::uint64_t const linear = cpu_.idt.base + offset;
    if (auto const flow = load(cpu_, linear, gate_.raw, Privilege::Supervisor);
        flow != Flow::Next) {
      return flow;
    }
    offset_ = gate_.gate_offset();
    if (!wide) return Flow::Next;
    std::uint32_t upper = 0;
    if (auto const flow = load(cpu_, linear + 8, upper, Privilege::Supervisor);
        flow != Flow::Next) {
      return flow;
    }
    offset_ |= static_cast<std::uint64_t>(upper) << 32;
    return Flow::Next;
  }

  Flow check_gate() {
    bool const wide = cpu_.long_mode();
    bool valid = false;
    if (!gate_.is_segment()) {
      switch (gate_.type()) {
        case kInterruptGate:
        case kTrapGate: valid = true; break;
        case kInterruptGate16:
        case kTrapGate16:
        case kTaskGate: valid = !wide; break;
        default: break;
      }
    }
    if (!valid) return cpu_.raise(kGeneralProtection, gate_error());
    if (event_.source == Event::Source::Software && gate_.dpl() < cpu_.cpl) {
      return cpu_.raise(kGeneralProtection, gate_error());
    }
    if (!gate_.present()) return cpu_.raise(kSegmentNotPresent, gate_error());
    if (gate_.type() == kTaskGate) return not_supported(cpu_, "a task gate in the IDT");
    slot_ = wide ? 8 : (gate_.type() & 8) != 0 ? 4 : 2;
    if (slot_ == 2) offset_ &= 0xffff;
    return Flow::Next;
  }

  Flow read_target() {
    selector_ = gate_.gate_selector();
    std::uint32_t const error = selector_error(selector_) | external_;
    if (selector_is_null(selector_)) return cpu_.raise(kGeneralProtection, external_);
    if (auto const flow = read_descriptor(cpu_, selector_, code_, kGeneralProtection, external_);
        flow != Flow::Next) {
      return flow;
    }
    bool const long_code = code_.is_long() && !code_.is_big();
    if (!code_.is_code() || code_.dpl() > cpu_.cpl || (cpu_.long_mode() && !long_code)) {
      return cpu_.raise(kGeneralProtection, error);
    }
    if (!code_.present()) return cpu_.raise(kSegmentNotPresent, error);
    new_cpl_ = code_.is_conforming() ? cpu_.cpl : code_.dpl();
    return mark_descriptor(cpu_, selector_, code_, kTypeAccessed);
  }

  Flow choose_stack() {
    bool const inner = new_cpl_ != cpu_.cpl;
    top_.privilege = new_cpl_ == 3 ? Privilege::User : Privilege::Supervisor;
    stack_ = cpu_.segments[Ss];
    switches_ = inner;
    if (cpu_.long_mode()) {
      top_.pointer = cpu_.gpr[Rsp];
      if (gate_.gate_stack() != 0) {
        if (auto const flow =
                read_interrupt_stack(cpu_, gate_.gate_stack(), external_, top_.pointer);
            flow != Flow::Next) {
          return flow;
        }
      } else if (inner) {
        TaskStack stack;
        if (auto const flow = read_task_stack(cpu_, new_cpl_, external_, stack);
            flow != Flow::Next) {
          return flow;
        }
        top_.pointer = stack.pointer;
      }
      top_.pointer &= ~std::uint64_t{15};
      if (inner) stack_ = null_segment(new_cpl_, new_cpl_);
      return Flow::Next;
    }
    if (!inner) {
      top_ = current_stack(cpu_);
      return Flow::Next;
    }
    TaskStack stack;
    if (auto const flow = read_task_stack(cpu_, new_cpl_, external_, stack); flow != Flow::Next) {
      return flow;
    }
    if (auto const flow =
            read_stack_segment(cpu_, stack.selector, new_cpl_, kInvalidTss, external_, stack_);
        flow != Flow::Next) {
      return flow;
    }
    top_.pointer = stack.pointer;
    top_.base = stack_.base;
    top_.width = stack_.db != 0 ? 4 : 2;
    return Flow::Next;
  }

  Flow write_frame() {
    bool const wide = cpu_.long_mode();
    // Checked last of all, and before anything has changed.
    if (wide ? !is_canonical(offset_) : offset_ > code_.limit()) {
      return cpu_.raise(kGeneralProtection, external_);
    }
    StackFrame frame(slot_);
    if (wide || switches_) {
      frame.push(cpu_.segments[Ss].selector);
      frame.push(cpu_.gpr[Rsp]);
    }
    frame.push(pushed_flags());
    frame.push(cpu_.segments[Cs].selector);
    frame.push(event_.return_rip);
    if (event_.error_code) frame.push(*event_.error_code);
    return frame.write(cpu_, top_, external_);
  }

  void commit() {
    auto const selector = static_cast<std::uint16_t>(selector_error(selector_) | new_cpl_);
    bool const was_long = cpu_.code_size == CodeSize::Bits64;
    set_code_segment(cpu_, code_.segment(selector), new_cpl_);
    if (switches_) set_segment(cpu_, Ss, stack_);
    // A new stack's pointer is loaded whole; without a switch the unused upper bits stay.
    if (switches_ || was_long || cpu_.long_mode()) {
      cpu_.gpr[Rsp] = top_.pointer;
    } else {
      set_stack_pointer(cpu_, top_, top_.pointer);
    }
    cpu_.rip = offset_;
    cpu_.system_flags &= ~kClearedByAnyGate;
    bool const interrupt_gate = (gate_.type() & 1) == 0;
    if (interrupt_gate) cpu_.system_flags &= ~kFlagIf;
  }

  Cpu& cpu_;
  Event const& event_;
  std::uint32_t external_;
  Descriptor gate_;
  std::uint64_t offset_ = 0;
  unsigned slot_ = 8;
  std::uint16_t selector_ = 0;
  Descriptor code_;
  std::uint8_t new_cpl_ = 0;
  StackTop top_;
  Segment stack_;
  bool switches_ = false;
};

}  // namespace

Flow enter_gate(Cpu& cpu, Event const& event) {
  return GateEntry(cpu, event).run();
}

}  // namespace bh::vmm::soft
