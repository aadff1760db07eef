#include "vmm/kvm/kvm_probe_machine.h"

#include <array>
#include <cstring>
#include <ctime>
#include <utility>
#include <variant>

#include "vmm/kvm/kvm_engine.h"
#include "vmm/kvm/kvm_probe_guests.h"

namespace bh::vmm::kvm {

namespace {

constexpr std::uint64_t kMemorySize = 2u << 20;
// The slowest KVM seen needs 5 ms for the longest piece of code; a loaded host several times that.
constexpr std::chrono::milliseconds kRunLimit{100};

// Where the scratch VM keeps what long mode needs, below the code.
constexpr std::uint64_t kPml4 = 0x1000;
constexpr std::uint64_t kPdpt = 0x2000;
constexpr std::uint64_t kPageDirectory = 0x3000;
constexpr std::uint64_t kGdt = 0x4000;
constexpr std::uint64_t kIdt = 0x5000;
constexpr std::uint64_t kTss = 0x6000;
constexpr std::uint64_t kStackTop = 0x2'0000;
constexpr unsigned kVectors = 32;

constexpr std::uint16_t kCode = 0x08;
constexpr std::uint16_t kData = 0x10;
constexpr std::uint16_t kTask = 0x18;

Result<> write_tables(GuestMemory& memory) {
  // One 2 MiB page, present and writable (SDM vol. 3, 4.5).
  BH_TRY(memory.write_object({kPml4}, kPdpt | 3));
  BH_TRY(memory.write_object({kPdpt}, kPageDirectory | 3));
  BH_TRY(memory.write_object({kPageDirectory}, std::uint64_t{0x83}));
  // 64-bit code, data, and a busy TSS of 104 bytes (SDM vol. 3, 3.4.5 and 7.2.3).
  std::array<std::uint64_t, 5> const gdt{0, 0x00af'9b00'0000'ffff, 0x00cf'9300'0000'ffff,
                                         0x0000'8b00'0000'0067 | (kTss << 16), 0};
  BH_TRY(memory.write_object({kGdt}, gdt));
  for (unsigned vector = 0; vector < kVectors; ++vector) {
    // 64-bit interrupt gate (SDM vol. 3, 6.14.1).
    std::uint64_t const handler = probe_handler(vector).value;
    std::array<std::uint64_t, 2> const gate{(handler & 0xffff) | (std::uint64_t{kCode} << 16) |
                                                (std::uint64_t{0x8e00} << 32) |
                                                ((handler >> 16 & 0xffff) << 48),
                                            handler >> 32};
    BH_TRY(memory.write_object({kIdt + std::uint64_t{16} * vector}, gate));
  }
  return memory.write(kProbeCode, probe_code());
}

VcpuState kernel_mode(VcpuState state) {
  auto& system = state.system;
  Segment const data{
      .limit = 0xffff'ffff, .selector = kData, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1};
  system.segments.fill(data);
  system.segments[Cs] = {
      .limit = 0xffff'ffff, .selector = kCode, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1};
  system.tr = {.base = kTss, .limit = 0x67, .selector = kTask, .type = 11, .present = 1};
  system.gdt = {.base = kGdt, .limit = 5 * 8 - 1};
  system.idt = {.base = kIdt, .limit = kVectors * 16 - 1};
  system.cr0 = 0x8000'0033;  // PG NE ET MP PE
  system.cr3 = kPml4;
  system.cr4 = 0x620;   // OSXMMEXCPT OSFXSR PAE
  system.efer = 0x500;  // LMA LME
  state.general = {};
  state.general.gpr[Rsp] = kStackTop;
  // FCW after FNINIT and MXCSR after reset: no exception is unmasked.
  std::uint16_t const control = 0x37f;
  std::uint32_t const mxcsr = 0x1f80;
  std::memcpy(state.fpu.fxsave.data(), &control, sizeof control);
  std::memcpy(state.fpu.fxsave.data() + 24, &mxcsr, sizeof mxcsr);
  // They stay as they are, and some cost an exit to hardware that emulates them.
  state.msrs.clear();
  return state;
}

}  // namespace

Result<std::unique_ptr<ProbeMachine>> ProbeMachine::create() {
  auto made = BH_TRY(GuestMemory::create(kMemorySize));
  auto memory = std::make_unique<GuestMemory>(std::move(made));
  BH_TRY(write_tables(*memory));
  auto engine = BH_TRY(create_kvm_engine(*memory, {.chips = InterruptChips::None}));
  auto vcpu = BH_TRY(engine->create_vcpu(0));
  auto reset = BH_TRY(vcpu->save());
  std::unique_ptr<ProbeMachine> machine(
      new ProbeMachine(std::move(memory), std::move(engine), std::move(vcpu)));
  machine->start_ = kernel_mode(std::move(reset));
  return machine;
}

namespace {

std::chrono::nanoseconds time_of_thread() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

ProbeMachine::Outcome ProbeMachine::run(GuestAddress entry, std::uint64_t rcx) {
  VcpuState state = start_;
  state.general.rip = entry.value;
  state.general.gpr[Rcx] = rcx;
  if (auto restored = vcpu_->restore(state); !restored) {
    return {.ending = Ending::Broken, .words = std::move(restored).error().message};
  }
  watchdog_.begin(kRunLimit);
  auto const begin = time_of_thread();
  Exit const exit = vcpu_->run();
  auto const end = time_of_thread();
  bool const no_time = watchdog_.finished();

  Outcome outcome{.time = end - begin};
  if (auto const* const report = std::get_if<PortWrite>(&exit); report != nullptr) {
    outcome.byte = std::to_integer<std::uint8_t>(report->data[0]);
    outcome.ending = report->port == kProbeExceptionPort ? Ending::Exception : Ending::Reported;
  } else if (auto const* const error = std::get_if<InternalError>(&exit); error != nullptr) {
    outcome.words = error->words;
  } else if (std::holds_alternative<Interrupted>(exit)) {
    // Some other signal ends the run early too, which is no news about KVM.
    outcome.ending = no_time ? Ending::NoTime : Ending::Broken;
    outcome.words = "interrupted by a signal";
  } else if (std::holds_alternative<Shutdown>(exit)) {
    outcome.words = "triple fault";
  } else {
    outcome.words = "an exit that the code does not ask for";
  }
  return outcome;
}

}  // namespace bh::vmm::kvm
