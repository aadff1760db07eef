#include "vmm/soft/soft_vcpu.h"

#include <cstdio>
#include <utility>

#include "vmm/soft/mmu/alignment.h"
#include "vmm/soft/native/trap_guard.h"
#include "vmm/soft/state/reset.h"
#include "vmm/soft/system/breakpoints.h"
#include "vmm/soft/system/cpuid_changes.h"
#include "vmm/soft/system/handlers.h"

namespace bh::vmm::soft {

namespace {

constexpr std::uint64_t kDr6SingleStep = 1u << 14;

std::string at_rip(Cpu const& cpu, std::string_view words) {
  char text[48];
  std::snprintf(text, sizeof text, " (vcpu %u at rip 0x%llx)", cpu.index,
                static_cast<unsigned long long>(cpu.rip));
  return std::string(words) + text;
}

}  // namespace

Result<std::unique_ptr<SoftVcpu>> SoftVcpu::create(Machine& machine, unsigned index) {
  BH_TRY(install_trap_guard());
  auto blocks = BH_TRY(BlockCache::create());
  std::unique_ptr<SoftVcpu> vcpu(new SoftVcpu(machine, index, std::move(blocks)));
  BH_TRY(check_template(*vcpu->cpu_));
  if (machine.translate != Translate::Off) BH_TRY(vcpu->start_translating());
  return vcpu;
}

Result<> SoftVcpu::start_translating() {
  translator_ = BH_TRY(Translator::create(*cpu_));
  if (machine_.translate == Translate::Exact) translator_->keep_every_flag();
  if (machine_.statistics) translator_->keep_statistics();
  blocks_->decode_single_instructions();
  if (machine_.translate == Translate::Compare) {
    comparison_ = std::make_unique<BlockComparison>(*cpu_, *blocks_, *translator_);
  }
  return {};
}

SoftVcpu::SoftVcpu(Machine& machine, unsigned index, std::unique_ptr<BlockCache> blocks)
    : machine_(machine), cpu_(std::make_unique<Cpu>()), blocks_(std::move(blocks)) {
  cpu_->machine = &machine;
  cpu_->index = index;
  reset(*cpu_);
  // The first vCPU starts at the reset vector, the others when they are told to.
  if (index != 0) cpu_->activity = Activity::WaitForSipi;
}

std::string SoftVcpu::statistics() const {
  bool const kept = translator_ != nullptr && machine_.statistics;
  std::string text = kept ? translator_->report() : std::string();
  if (comparison_ != nullptr) text += comparison_->report();
  return text;
}

void SoftVcpu::wake() {
  cpu_->attention.store(1, std::memory_order_release);
  cpu_->attention.notify_one();
}

void SoftVcpu::kick() {
  kicked_.store(true);
  wake();
}

SoftVcpu::Round SoftVcpu::stop(Exit exit) {
  exit_ = std::move(exit);
  return Round::Exit;
}

Exit SoftVcpu::run() {
  if (auto const guarded = guard_thread(cpu_.get()); !guarded) {
    return InternalError{guarded.error().message};
  }
  if (!cpu_->replay.empty()) {
    // The answer to the last exit is there: the instruction that asked goes first.
    cpu_->replay.rewind();
    if (run_one() == Round::Exit) return std::move(exit_);
  }
  for (;;) {
    if (wants_attention()) [[unlikely]] {
      if (attend() == Round::Exit) return std::move(exit_);
      continue;
    }
    bool const alone = cpu_->interrupt_shadow || (cpu_->system_flags & kFlagTf) != 0 ||
                       checks_alignment(*cpu_) || breakpoints_armed(*cpu_);
    bool const translates = translator_ != nullptr && cpu_->code_size == CodeSize::Bits64;
    auto const round = alone ? run_one() : translates ? run_translated() : run_block();
    if (round == Round::Exit) [[unlikely]]
      return std::move(exit_);
  }
}

bool SoftVcpu::wants_attention() const {
  if (cpu_->attention.load(std::memory_order_relaxed) != 0) return !cpu_->interrupt_shadow;
  if (cpu_->activity != Activity::Running) return true;
  if (cpu_->nmi_deferred && !cpu_->nmi_blocked) return true;
  return cpu_->interrupt_deferred && cpu_->interrupts_enabled() && !cpu_->interrupt_shadow;
}

SoftVcpu::Round SoftVcpu::attend() {
  cpu_->attention.store(0);
  cpu_->interrupt_deferred = false;
  cpu_->nmi_deferred = false;
  if (kicked_.exchange(false)) {
    // Whatever else waits is looked at in the next run().
    cpu_->attention.store(1);
    return stop(Interrupted{});
  }
  if (machine_.chips != nullptr) {
    auto const attention = machine_.chips->attention(cpu_->index);
    if ((attention & chip::ChipSet::kStartUp) != 0) return take_start_up();
    if (cpu_->activity != Activity::WaitForSipi && attention != 0) {
      if (inject() == Round::Exit) return Round::Exit;
    }
  }
  return cpu_->activity == Activity::Running ? Round::Continue : sleep();
}

SoftVcpu::Round SoftVcpu::sleep() {
  if (machine_.chips == nullptr && cpu_->activity == Activity::Halted) {
    cpu_->activity = Activity::Running;
    return stop(Halted{});
  }
  cpu_->attention.wait(0);
  return Round::Continue;
}

SoftVcpu::Round SoftVcpu::take_start_up() {
  auto const message = machine_.chips->take_start_up(cpu_->index);
  cpu_->attention.store(1);  // A SIPI may wait behind an INIT.
  if (!message) return Round::Continue;
  if (message->kind == chip::StartUp::Kind::Init) {
    reset_by_init(*cpu_);
    cpu_->activity = Activity::WaitForSipi;
  } else if (cpu_->activity == Activity::WaitForSipi) {
    start_at(*cpu_, message->vector);
  }
  return Round::Continue;
}

SoftVcpu::Round SoftVcpu::inject() {
  auto& chips = *machine_.chips;
  Delivery delivery = Delivery::Done;
  auto const attention = chips.attention(cpu_->index);
  bool const nmi = (attention & chip::ChipSet::kNmi) != 0;
  cpu_->nmi_deferred = nmi && cpu_->nmi_blocked;
  if (nmi && !cpu_->nmi_blocked && chips.take_nmi(cpu_->index)) {
    cpu_->activity = Activity::Running;
    delivery = deliver_nmi(*cpu_);
    cpu_->attention.store(1);
  } else if ((attention & chip::ChipSet::kInterrupt) != 0) {
    if (!cpu_->interrupts_enabled()) {
      cpu_->interrupt_deferred = true;
      return Round::Continue;
    }
    auto const vector = chips.acknowledge(cpu_->index);
    if (!vector) return Round::Continue;
    cpu_->activity = Activity::Running;
    delivery = deliver_interrupt(*cpu_, *vector);
    cpu_->attention.store(1);  // Another may be behind it.
  }
  return delivered(delivery);
}

SoftVcpu::Round SoftVcpu::after_fault(Op const& op) {
  auto& exception = cpu_->exception;
  if (exception.non_canonical && op.has_memory && op.segment_register == Ss) {
    exception.vector = kStackFault;
  }
  return after_fault();
}

SoftVcpu::Round SoftVcpu::after_fault() {
  return delivered(deliver_exception(*cpu_, cpu_->exception));
}

SoftVcpu::Round SoftVcpu::delivered(Delivery delivery) {
  switch (delivery) {
    case Delivery::Done: return Round::Continue;
    case Delivery::TripleFault: return stop(Shutdown{});
    case Delivery::Exit: break;
  }
  return stop(std::move(cpu_->exit));
}

SoftVcpu::Round SoftVcpu::run_block() {
  Cpu& cpu = *cpu_;
  Flow flow = Flow::Next;
  Block const* const block = blocks_->find(cpu, flow);
  if (block == nullptr) [[unlikely]] {
    if (flow == Flow::Fault) return after_fault();
    return stop_at_rip();
  }
  cpu.gpr[kRipSlot] = cpu.rip;
  for (Op const& op : block->ops()) {
    flow = op.handler(cpu, op);
    if (flow == Flow::Next) [[likely]]
      continue;
    if (flow == Flow::Leave) return Round::Continue;
    cpu.rip = cpu.this_rip(op);
    cpu.code_changed = false;
    if (flow == Flow::Fault) return after_fault(op);
    return stop(std::move(cpu.exit));
  }
  cpu.rip = cpu.next_rip(block->ops().back());
  return Round::Continue;
}

SoftVcpu::Round SoftVcpu::run_translated() {
  switch (comparison_ ? comparison_->run() : translator_->run()) {
    case Translator::Stop::Look: return Round::Continue;
    case Translator::Stop::Step: return run_one();
    case Translator::Stop::Fault:
      return translator_->fault_op() != nullptr ? after_fault(*translator_->fault_op())
                                                : after_fault();
    case Translator::Stop::Exit: break;
  }
  return stop_at_rip();
}

SoftVcpu::Round SoftVcpu::stop_at_rip() {
  if (auto* error = std::get_if<InternalError>(&cpu_->exit)) {
    error->words = at_rip(*cpu_, error->words);
  }
  return stop(std::move(cpu_->exit));
}

SoftVcpu::Round SoftVcpu::run_one() {
  Cpu& cpu = *cpu_;
  bool const shadowed = std::exchange(cpu.interrupt_shadow, false);
  bool const stepping = (cpu.system_flags & kFlagTf) != 0;
  Flow flow = Flow::Next;
  Block const* const block = blocks_->find(cpu, flow);
  if (block == nullptr) {
    if (flow == Flow::Fault) return after_fault();
    return stop(std::move(cpu.exit));
  }
  bool const armed = breakpoints_armed(cpu);
  if (auto const hits = armed ? execution_hits(cpu) : 0; hits != 0) {
    cpu.interrupt_shadow = shadowed;
    return delivered(deliver_debug_trap(cpu, hits));
  }
  cpu.gpr[kRipSlot] = cpu.rip;
  Op const& op = block->ops().front();
  std::uint64_t const watched = armed ? data_hits(cpu, op) : 0;
  bool const resumed = (cpu.system_flags & kFlagRf) != 0;
  if (checks_alignment(cpu)) flow = check_alignment(cpu, op);
  if (flow == Flow::Next) flow = op.handler(cpu, op);
  if (flow == Flow::Exit) {
    cpu.rip = cpu.this_rip(op);
    cpu.interrupt_shadow = shadowed;
    return stop(std::move(cpu.exit));
  }
  cpu.replay.clear();
  cpu.code_changed = false;
  if (flow == Flow::Fault) {
    cpu.rip = cpu.this_rip(op);
    return after_fault(op);
  }
  if (flow == Flow::Next) cpu.rip = cpu.next_rip(op);
  // The gate of a software interrupt has cleared TF, and with it the trap.
  bool const through_gate = op.handler == int3 || op.handler == int_n || op.handler == into;
  // SYSCALL clears TF by its mask (SDM vol. 2); a load of SS keeps traps off as it does interrupts.
  bool const masked = op.handler == syscall_ && (cpu.system_flags & kFlagTf) == 0;
  bool const held_off = cpu.interrupt_shadow && op.handler != sti;
  bool const stepped = stepping && !through_gate && !masked && !held_off;
  // RF passes one instruction; IRET may just have set it for the next.
  if (resumed) cpu.system_flags &= ~kFlagRf;
  if (!stepped && watched == 0) return Round::Continue;
  return delivered(deliver_debug_trap(cpu, watched | (stepped ? kDr6SingleStep : 0)));
}

}  // namespace bh::vmm::soft
