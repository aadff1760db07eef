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

bool Translator::find(Place& place, Stop& stop, std::uint32_t& block) {
  Fetched fetched;
  if (auto const flow = fetch(cpu_, cpu_.rip, fetched); flow != Flow::Next) {
    stop = flow == Flow::Fault ? Stop::Fault : Stop::Exit;
    fault_op_ = nullptr;
    return false;
  }
  auto const known = cache_->find(fetched.host, mode_);
  if (known && still_there(cache_->block(*known))) {
    block = *known;
  } else {
    block = translate(fetched.host, fetched.page);
    if (auto* const map = cpu_.machine->perf_map) {
      auto const start = cache_->address(cache_->block(block).entries.external);
      map->add(start, cache_->address(cache_->block(block).code_end) - start, cpu_.rip, mode_.user);
    }
  }
  bool global = false;
  if (!mode_.user) global = walk(cpu_, cpu_.rip, Access::Execute, Privilege::Supervisor).global;
  cache_->enter_jump(cpu_.rip, block, global);
  cpu_.crossing.rip_page = cpu_.rip & ~(kPageSize - 1);
  place = {.code = cache_->address(cache_->block(block).entries.saved)};
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

std::optional<std::uint32_t> Translator::store_op(std::uint32_t number) {
  Site const& site = cache_->site(number);
  if (!site.writes || site.patch == 0) return std::nullopt;
  if (site.op != Site::kNone) return site.op;
  Fetched fetched;
  if (fetch(cpu_, cpu_.crossing.rip_page + site.offset, fetched) != Flow::Next) {
    return std::nullopt;
  }
  Instruction instruction;
  auto const size = std::min<std::size_t>(left_in_page(fetched.host), ZYDIS_MAX_INSTRUCTION_LENGTH);
  std::array<std::uint8_t, ZYDIS_MAX_INSTRUCTION_LENGTH> copy{};
  auto const bytes = watched_bytes(cpu_, fetched.host, size);
  std::copy(bytes.begin(), bytes.end(), copy.begin());
  if (decode(std::span(copy).first(size), CodeSize::Bits64, instruction) != DecodeStatus::Ok) {
    return std::nullopt;
  }
  auto const piece = make_piece(instruction, site.offset, mode_);
  if (piece.kind != PieceKind::Memory || piece.op.handler == nullptr) return std::nullopt;
  return cache_->set_op(number, piece.op);
}

bool Translator::run_store(std::uint32_t number, Place& place, Stop& stop) {
  Op const& op = cache_->op(number);
  cpu_.gpr[kRipSlot] = cpu_.crossing.rip_page;
  auto const flow = op.handler(cpu_, op);
  if (flow == Flow::Fault || flow == Flow::Exit) return stop_at(op, flow, stop);
  if (flow == Flow::Next) cpu_.rip = cpu_.next_rip(op);
  cpu_.code_changed = false;
  return go_on_at_rip(place, stop);
}

namespace {

constexpr unsigned kMostBranches = 2;
// Interrupts alone make some hundred a second.
constexpr unsigned kRunsOfPatience = 8;

bool ends_block(PieceKind kind) {
  switch (kind) {
    case PieceKind::Jump:
    case PieceKind::Call:
    case PieceKind::JumpIndirect:
    case PieceKind::CallIndirect:
    case PieceKind::Return:
    case PieceKind::StepOut: return true;
    default: return false;
  }
}

}  // namespace

bool Translator::decode_piece(std::uint16_t offset, TranslationCache::Source& source) {
  Instruction& instruction = instructions_[pieces_.size()];
  std::byte const* const at =
      source.host + (offset - (reinterpret_cast<std::uint64_t>(source.host) & (kPageSize - 1)));
  std::size_t const size = std::min<std::size_t>(left_in_page(at), ZYDIS_MAX_INSTRUCTION_LENGTH);
  std::array<std::uint8_t, ZYDIS_MAX_INSTRUCTION_LENGTH> copy{};
  auto const bytes = watched_bytes(cpu_, at, size);
  std::copy(bytes.begin(), bytes.end(), copy.begin());
  auto status = decode(std::span(copy).first(size), CodeSize::Bits64, instruction);
  if (status == DecodeStatus::NeedsMoreBytes && size < ZYDIS_MAX_INSTRUCTION_LENGTH) {
    source.next_straddles = true;
    if (!pieces_.empty()) return false;
    Fetched second;
    if (fetch(cpu_, (cpu_.rip | (kPageSize - 1)) + 1, second) == Flow::Next) {
      source.second_page = second.host;
      source.second_page_number = second.page;
      auto const more = watched_bytes(cpu_, second.host, copy.size() - size);
      std::copy(more.begin(), more.end(), copy.begin() + static_cast<std::ptrdiff_t>(size));
      status = decode(copy, CodeSize::Bits64, instruction);
    }
  }
  if (status == DecodeStatus::Ok) {
    pieces_.push_back(make_piece(instruction, offset, mode_));
    return true;
  }
  // No instruction, or its second page is missing: the stepping engine says so.
  Piece piece;
  piece.kind = PieceKind::StepOut;
  piece.op.start = piece.op.end = offset;
  piece.reads = kAllFlags;
  pieces_.push_back(piece);
  return true;
}

std::optional<std::uint32_t> Translator::place_stored(std::byte const* host, std::size_t page) {
  auto const* const store = cpu_.machine->code_store;
  if (store == nullptr) return std::nullopt;
  std::span const bytes(reinterpret_cast<std::uint8_t const*>(host), left_in_page(host));
  auto const offset = static_cast<std::uint16_t>(kPageSize - bytes.size());
  TranslationCache::Source source{.host = host, .page = page};
  auto const image = store->find(bytes, offset, mode_.number(), [&](std::size_t size) {
    source.size = size;
    watched_bytes(cpu_, host, size);
  });
  if (!image) return std::nullopt;
  ++placed_;
  return cache_->place(*image, source, mode_);
}

std::uint32_t Translator::translate(std::byte const* host, std::size_t page) {
  if (auto const stored = place_stored(host, page)) return *stored;
  pieces_.clear();
  TranslationCache::Source source{.host = host, .page = page};
  auto offset = static_cast<std::uint16_t>(reinterpret_cast<std::uint64_t>(host) & (kPageSize - 1));
  unsigned branches = 0;
  while (pieces_.size() < instructions_.size() && offset < kPageSize) {
    if (!decode_piece(offset, source)) break;
    offset = pieces_.back().end();
    if (ends_block(pieces_.back().kind)) break;
    if (pieces_.back().kind != PieceKind::Branch) continue;
    // Code behind a branch is often never run, or there already.
    auto const next = host + (offset - pieces_.front().start());
    if (++branches == kMostBranches || cache_->find(next, mode_)) break;
  }
  translated_ += pieces_.size();
  find_live_flags(pieces_, mode_);
  source.pieces = pieces_;
  // At least what was looked at to find no instruction.
  std::size_t const size = offset - pieces_.front().start();
  source.size = std::min<std::size_t>(left_in_page(host),
                                      std::max<std::size_t>(size, ZYDIS_MAX_INSTRUCTION_LENGTH));
  return cache_->add(source, mode_, cpu_.machine->code_store);
}

bool Translator::still_there(TranslatedBlock const& block) {
  if (block.second_page == nullptr) return true;
  Fetched second;
  return fetch(cpu_, (cpu_.rip | (kPageSize - 1)) + 1, second) == Flow::Next &&
         second.host == block.second_page;
}

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
      case SiteKind::Miss:
        if (std::exchange(crossing.impatient, 0) != 0) cache_->give_up_slot(number);
        switch (fill(site)) {
          case Filled::Yes: place = {cache_->address(site.go_on), fpu}; return true;
          case Filled::ToCode:
            if (auto const op = store_op(number)) return run_store(*op, place, stop);
            break;
          case Filled::No: break;
        }
        cpu_.rip = page + site.offset;
        stop = Stop::Step;
        return false;
      case SiteKind::Step:
        if (site.op != Site::kNone) return run_op(site, place, stop);
        resume_ = {.rip = page + site.next,
                   .epoch = cpu_.mmu.epoch(),
                   .generation = cache_->generation(),
                   .block = site.block,
                   .mode = mode_,
                   .place = {cache_->address(site.go_on), fpu}};
        [[fallthrough]];
      case SiteKind::StepOut:
        if (site.op != Site::kNone) return run_op(site, place, stop);
        cpu_.rip = page + site.offset;
        stop = Stop::Step;
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
  if (cpu_.attention.load(std::memory_order_relaxed) != 0) {
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

Translator::Filled Translator::fill(Site const& site) {
  std::uint64_t const linear = cpu_.crossing.miss_address;
  if ((linear & (kPageSize - 1)) + site.size > kPageSize || !is_canonical(linear))
    return Filled::No;
  auto const access = site.writes ? Access::Write : Access::Read;
  auto const privilege = current_privilege(cpu_);
  auto const translation = walk(cpu_, linear, access, privilege);
  if (!translation.ok) return Filled::No;
  std::byte* const host = cpu_.machine->memory.host_address({translation.physical}, 1);
  if (host == nullptr) return Filled::No;
  std::byte* const host_page = host - (linear & (kPageSize - 1));
  auto const& pages = cpu_.machine->code_pages;
  // Stores to code are stepped.
  if (site.writes && pages.watches(pages.page_of(host))) return Filled::ToCode;
  cpu_.mmu.note_page_size(linear, translation.page_size);
  cpu_.mmu.insert_inline(privilege, linear, host_page, access, translation.global);
  return Filled::Yes;
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
