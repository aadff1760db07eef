#include "vmm/soft/translate/translator.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "vmm/soft/cache/fetch.h"
#include "vmm/soft/mmu/access.h"
#include "vmm/soft/mmu/alignment.h"
#include "vmm/soft/mmu/walk.h"
#include "vmm/soft/system/breakpoints.h"
#include "vmm/soft/system/features.h"
#include "vmm/soft/translate/perf_map.h"

namespace bh::vmm::soft {

Result<std::unique_ptr<Translator>> Translator::create(Cpu& cpu) {
  std::unique_ptr<Translator> translator(new Translator(cpu));
  translator->cache_ = BH_TRY(TranslationCache::create(cpu));
  cpu.crossing.code = translator->cache_->code();
  cpu.crossing.leave = translator->cache_->gate().leave;
  cpu.code_user.mmu = &cpu.mmu;
  cpu.code_user.attention = &cpu.attention;
  cpu.machine->code_pages.set_user(cpu.index, &cpu.code_user);
  return translator;
}

Translator::~Translator() {
  cpu_.machine->code_pages.set_user(cpu_.index, nullptr);
}

TranslationMode Translator::current_mode() const {
  bool const sse = (cpu_.cr0 & (kCr0Em | kCr0Ts)) == 0 && (cpu_.cr4 & kCr4Osfxsr) != 0;
  bool const x87 = (cpu_.cr0 & (kCr0Em | kCr0Ts)) == 0 && !every_flag_;
  constexpr std::uint64_t kAvxState = kXcr0Sse | kXcr0Avx;
  bool const avx = (cpu_.cr0 & kCr0Ts) == 0 && (cpu_.cr4 & kCr4Osxsave) != 0 &&
                   (cpu_.xcr0 & kAvxState) == kAvxState;
  return {.user = cpu_.user_mode(), .x87 = x87, .avx = avx, .sse = sse, .every_flag = every_flag_};
}

void Translator::take_up_gs_base() {
  // The C library leaves GS to others. Another vCPU of this thread may have taken it.
  static thread_local std::uint64_t gs_base = 0;
  auto const wanted = reinterpret_cast<std::uint64_t>(&cpu_.mmu);
  if (gs_base == wanted) return;
  ::syscall(SYS_arch_prctl, ARCH_SET_GS, wanted);
  gs_base = wanted;
}

void Translator::catch_up() {
  auto const mode = current_mode();
  if (mode.sse != mode_.sse || mode.x87 != mode_.x87 || mode.avx != mode_.avx) {
    for (auto const privilege : {Privilege::Supervisor, Privilege::User}) {
      cpu_.mmu.jumps(privilege).forget_all();
    }
  }
  mode_ = mode;
  auto const& pages = cpu_.machine->code_pages;
  auto const changes = pages.changes();
  if (changes == seen_changes_) [[likely]]
    return;
  changed_.clear();
  if (pages.changed_since(seen_changes_, changed_)) {
    seen_changes_ += changed_.size();
    cache_->forget_changed(changed_);
  } else {
    seen_changes_ = changes;
    cache_->forget_all();
  }
}

bool Translator::resume(Place& place) {
  Resume const expected = std::exchange(resume_, {});
  if (expected.generation != cache_->generation() || expected.rip != cpu_.rip ||
      expected.epoch != cpu_.mmu.epoch() || expected.mode != mode_ ||
      cache_->block(expected.block).dead) {
    return false;
  }
  place = expected.place;
  return true;
}

bool Translator::look_up(Place& place, Stop& stop) {
  catch_up();
  auto const code = cpu_.mmu.jumps(current_privilege(cpu_)).find(cpu_.rip);
  if (code != cache_->gate().unknown) {
    cpu_.crossing.target = cpu_.rip;
    place = {.code = code};
    return true;
  }
  std::uint32_t block = 0;
  return find(place, stop, block);
}

bool Translator::wants_look() const {
  return cpu_.attention.load(std::memory_order_relaxed) != 0 || cpu_.interrupt_shadow ||
         cpu_.interrupt_deferred || cpu_.nmi_deferred || cpu_.code_size != CodeSize::Bits64 ||
         cpu_.activity != Activity::Running || (cpu_.system_flags & kFlagTf) != 0 ||
         checks_alignment(cpu_) || breakpoints_armed(cpu_);
}

bool Translator::run_op(Site const& site, Place& place, Stop& stop) {
  Op const& op = cache_->op(site.op);
  cpu_.gpr[kRipSlot] = cpu_.crossing.rip_page;
  auto const flow = op.handler(cpu_, op);
  if (flow == Flow::Next && site.kind == SiteKind::Step && !cpu_.interrupt_shadow) {
    place = {cache_->address(site.go_on), cache_->block(site.block).entries.fpu};
    return true;
  }
  if (flow == Flow::Fault || flow == Flow::Exit) return stop_at(op, flow, stop);
  if (flow == Flow::Next) cpu_.rip = cpu_.next_rip(op);
  return go_on_at_rip(place, stop);
}

bool Translator::stop_at(Op const& op, Flow flow, Stop& stop) {
  cpu_.rip = cpu_.this_rip(op);
  cpu_.code_changed = false;
  fault_op_ = &op;
  stop = flow == Flow::Fault ? Stop::Fault : Stop::Exit;
  return false;
}

bool Translator::go_on_at_rip(Place& place, Stop& stop) {
  if (wants_look()) {
    stop = Stop::Look;
    return false;
  }
  return look_up(place, stop);
}

namespace {

// Interrupts alone make some hundred a second.
constexpr unsigned kRunsOfPatience = 8;

}  // namespace

void Translator::enter(Place const& place) {
  auto& user = cpu_.code_user;
  user.inside.store(true, std::memory_order_relaxed);
  // Against CodePages::take_writes, whose side of the barrier is membarrier(2).
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (user.forget_writes.load(std::memory_order_relaxed)) [[unlikely]] {
    user.forget_writes.store(false);
    cpu_.mmu.forget_writes();
  }
  cache_->gate().enter[place.fpu.number()](place.code);
  user.inside.store(false, std::memory_order_release);
  if (cpu_.crossing.x87_stored != 0) [[unlikely]]
    hide_host_pointers();
}

/// Where the host noted its own addresses of the last x87 instruction and operand, puts the guest's
/// as far as they are known.
void Translator::hide_host_pointers() {
  constexpr std::size_t kOpcode = 6;
  constexpr std::size_t kInstruction = 8;
  constexpr std::size_t kData = 16;
  cpu_.crossing.x87_stored = 0;
  std::uint64_t instruction = 0;
  std::memcpy(&instruction, cpu_.fxsave.data() + kInstruction, sizeof instruction);
  auto const code = cache_->code();
  if (instruction - reinterpret_cast<std::uint64_t>(code.data()) >= code.size()) return;
  std::uint64_t guest = 0;
  std::uint16_t opcode = 0;
  if (auto const* point = cache_->trap_point(instruction)) {
    guest = cpu_.crossing.rip_page + point->offset;
    opcode = point->x87_opcode;
  }
  std::uint64_t data = 0;
  std::memcpy(&data, cpu_.fxsave.data() + kData, sizeof data);
  data = cpu_.mmu.inline_tlb(current_privilege(cpu_))
             .linear_of(reinterpret_cast<std::byte const*>(data));
  std::memcpy(cpu_.fxsave.data() + kOpcode, &opcode, sizeof opcode);
  std::memcpy(cpu_.fxsave.data() + kInstruction, &guest, sizeof guest);
  std::memcpy(cpu_.fxsave.data() + kData, &data, sizeof data);
}

Translator::Stop Translator::run() {
  take_up_gs_base();
  catch_up();
  if (++runs_ % kRunsOfPatience == 0) {
    for (auto const privilege : {Privilege::Supervisor, Privilege::User}) {
      cpu_.mmu.slots(privilege).be_patient();
    }
  }
  Place place;
  Stop stop = Stop::Look;
  if (!resume(place) && !look_up(place, stop)) return stop;
  do {
    enter(place);
  } while (after(place, stop));
  return stop;
}

bool Translator::after(Place& place, Stop& stop) {
  auto& crossing = cpu_.crossing;
  if (crossing.trap_at != 0) [[unlikely]]
    return after_trap(stop);
  std::uint32_t const number = std::exchange(crossing.site, Crossing::kNoSite);
  std::uint64_t const page = crossing.rip_page;
  std::uint64_t const generation = cache_->generation();
  bool linking = false;
  if (number == Crossing::kNoSite) {
    cpu_.rip = crossing.target;
  } else {
    Site const& site = cache_->site(number);
    FpuLoad const fpu = cache_->block(site.block).entries.fpu;
    if (statistics_ != nullptr) [[unlikely]]
      statistics_->left(site.kind, page + site.offset);
    switch (site.kind) {
      case SiteKind::Miss: {
        bool const impatient = std::exchange(crossing.impatient, 0) != 0;
        switch (fill(site)) {
          case Filled::Yes:
            // Not for stores to code, which miss whatever the probe is like.
            if (impatient) cache_->give_up_slot(number);
            place = {cache_->address(site.go_on), fpu};
            return true;
          case Filled::ToCode:
            if (one_block_) break;
            if (auto const op = store_op(number)) return run_store(*op, place, stop);
            break;
          case Filled::No: break;
        }
      }
        cpu_.rip = page + site.offset;
        stop = Stop::Step;
        return false;
      case SiteKind::Step:
      case SiteKind::StepOut:
        if (site.op != Site::kNone && !one_block_) return run_op(site, place, stop);
        cpu_.rip = page + site.offset;
        stop = Stop::Step;
        if (site.kind == SiteKind::StepOut || one_block_) return false;
        resume_ = {.rip = page + site.next,
                   .epoch = cpu_.mmu.epoch(),
                   .generation = cache_->generation(),
                   .block = site.block,
                   .mode = mode_,
                   .place = {cache_->address(site.go_on), fpu}};
        return false;
      case SiteKind::Link:
        cpu_.rip = page + static_cast<std::uint64_t>(static_cast<std::int64_t>(site.target));
        linking = true;
        break;
      case SiteKind::Poll:
        cpu_.rip = page + static_cast<std::uint64_t>(static_cast<std::int64_t>(site.target));
        stop = Stop::Look;
        return false;
      case SiteKind::LookUp:
        if (!is_canonical(crossing.target)) {
          cpu_.gpr[Rsp] -= site.undo_stack;
          cpu_.rip = page + site.offset;
          stop = Stop::Step;
          return false;
        }
        cpu_.rip = crossing.target;
        break;
    }
  }
  if (one_block_ || cpu_.attention.load(std::memory_order_relaxed) != 0) {
    stop = Stop::Look;
    return false;
  }
  if (!linking) return look_up(place, stop);
  catch_up();
  std::uint32_t block = 0;
  if (!find(place, stop, block)) return false;
  // The site may have gone with all blocks.
  if (generation == cache_->generation()) cache_->link(number, block);
  return true;
}

std::string Translator::report() const {
  std::string text = "vcpu " + std::to_string(cpu_.index) + ": " + std::to_string(translated_) +
                     " instructions translated, " + std::to_string(placed_) +
                     " blocks had from the code cache, " +
                     std::to_string(cache_->code_bytes() >> 10) + " KiB of code, emptied " +
                     std::to_string(cache_->generation() - 1) + " times\n";
  if (statistics_ != nullptr) text += statistics_->report();
  return text;
}

bool Translator::after_trap(Stop& stop) {
  auto& crossing = cpu_.crossing;
  auto const at = std::exchange(crossing.trap_at, 0);
  auto const trapped = cache_->trap_point(at);
  if (trapped == nullptr) {
    cpu_.exit = InternalError{"the host trapped in translated code where it cannot"};
    stop = Stop::Exit;
    return false;
  }
  if (trapped->flags_in_host) {
    cpu_.arithmetic = ArithmeticFlags::from_rflags(crossing.trap_flags);
  }
  cpu_.rip = crossing.rip_page + trapped->offset;
  stop = Stop::Step;
  return false;
}

}  // namespace bh::vmm::soft
