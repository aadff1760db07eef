#include "vmm/soft/testing/bare_cpu.h"

#include "vmm/soft/native/trap_guard.h"
#include "vmm/soft/state/reset.h"

namespace bh::vmm::soft {

BareCpu::BareCpu()
    : memory_(GuestMemory::create(kMemorySize).value()),
      code_pages_(std::make_unique<CodePages>(CodePages::create(memory_).value())),
      machine_(Machine{memory_, *code_pages_, nullptr, clock_, 1}),
      cpu_(std::make_unique<Cpu>()),
      blocks_(BlockCache::create().value()) {
  memory_.set_write_hook(code_pages_.get());
  (void)install_trap_guard();
  (void)guard_thread(cpu_.get()).value();
  cpu_->machine = &*machine_;
  reset(*cpu_);
  cpu_->code_size = CodeSize::Bits64;
  cpu_->cr0 = kCr0Pe | kCr0Et | kCr0Ne;
  cpu_->cr4 = kCr4Osfxsr | kCr4Osxmmexcpt;
  for (auto const segment : {Es, Cs, Ss, Ds}) {
    cpu_->segments[segment].base = 0;
    cpu_->segment_base[segment] = 0;
  }
  cpu_->segments[Cs].l = 1;
  cpu_->gpr[Rsp] = kMemorySize / 2;
  cpu_->rip = kCode;
}

void BareCpu::load_code(std::vector<std::uint8_t> const& code) {
  (void)memory_.write({kCode}, std::as_bytes(std::span(code)));
  cpu_->rip = kCode;
}

Flow BareCpu::step() {
  Flow flow = Flow::Next;
  Block const* const block = blocks_->find(*cpu_, flow);
  if (block == nullptr) return flow;
  cpu_->gpr[kRipSlot] = cpu_->rip;
  Op const& op = block->ops().front();
  flow = op.handler(*cpu_, op);
  if (flow == Flow::Next) cpu_->rip = cpu_->next_rip(op);
  return flow;
}

}  // namespace bh::vmm::soft
