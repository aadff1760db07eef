#include "tests/isa/guest_executor.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <variant>

#include "tests/isa/guest_tables.h"
#include "tests/isa/memory_image.h"

namespace bh::isa {

namespace {

using vmm::GuestAddress;

constexpr std::uint64_t kX87SseAvx = 7;
constexpr std::chrono::milliseconds kWatchInterval{250};
constexpr int kKicksUntilStuck = 6;

bool pushes_error_code(std::uint8_t vector) {
  return vector == 8 || (vector >= 10 && vector <= 14) || vector == kAlignmentCheck || vector == 21;
}

std::string describe(vmm::Exit const& exit) {
  if (auto const* error = std::get_if<vmm::InternalError>(&exit)) return error->words;
  return "unexpected exit, kind " + std::to_string(exit.index());
}

}  // namespace

Result<std::unique_ptr<GuestExecutor>> GuestExecutor::create(MakeEngine const& make_engine) {
  auto created = BH_TRY(vmm::GuestMemory::create(kGuestMemorySize));
  auto memory = std::make_unique<vmm::GuestMemory>(std::move(created));
  auto engine = BH_TRY(make_engine(*memory, {.chips = vmm::InterruptChips::None}));
  auto vcpu = BH_TRY(engine->create_vcpu(0));
  std::unique_ptr<GuestExecutor> executor(
      new GuestExecutor(std::move(memory), std::move(engine), std::move(vcpu)));
  BH_TRY(executor->prepare());
  executor->watchdog_ =
      std::jthread([raw = executor.get()](std::stop_token stop) { raw->watch(stop); });
  return executor;
}

// A case that never ends must not end the test: kick the vCPU when it is the same case for long.
void GuestExecutor::watch(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any alarm;
  std::unique_lock lock(mutex);
  std::uint64_t last = 0;
  while (!alarm.wait_for(lock, stop, kWatchInterval, [&] { return stop.stop_requested(); })) {
    std::uint64_t const now = case_count_;
    if (now == last && now != 0) vcpu_->kick();
    last = now;
  }
}

Result<> GuestExecutor::prepare() {
  BH_TRY(build_guest(*memory_));
  start_ = BH_TRY(vcpu_->save());
  start_.system = guest_system_registers(kX87SseAvx);
  start_.general.rip = kCodeStart;
  has_avx_ = vcpu_->restore(start_).has_value();
  if (has_avx_) return {};
  start_.system = guest_system_registers(0);
  auto restored = vcpu_->restore(start_);
  if (!restored)
    return std::unexpected(std::move(restored).error().while_doing("restore of the cases' guest"));
  return {};
}

std::span<Outcome const> GuestExecutor::run(std::span<CaseInput const> cases) {
  for (std::size_t i = 0; i < cases.size(); ++i) {
    auto done = run_case(cases[i], outcomes_[i]);
    if (done) continue;
    outcomes_[i].ending = done.error().code == Errc::Timeout ? Ending::Stuck : Ending::Died;
    last_words_[i] = done.error().message;
  }
  return {outcomes_.data(), cases.size()};
}

Result<> GuestExecutor::run_case(CaseInput const& input, Outcome& outcome) {
  BH_TRY(load(input));
  ++case_count_;
  for (int kicks = 0;;) {
    vmm::Exit const exit = vcpu_->run();
    if (std::holds_alternative<vmm::Interrupted>(exit)) {
      if (++kicks < kKicksUntilStuck) continue;
      return fail(Errc::Timeout, "the case does not end");
    }
    auto const* report = std::get_if<vmm::PortWrite>(&exit);
    if (report == nullptr) return fail(Errc::Corrupt, describe(exit));
    return take(static_cast<std::uint8_t>(report->port), outcome);
  }
}

Result<> GuestExecutor::load(CaseInput const& input) {
  BH_TRY(put_code(input.code));
  MemoryImage image = memory_image(input.image);
  for (Patch const& patch : input.patches) apply_patch(patch, image);
  for (std::size_t i = 0; i < kDataPages.size(); ++i) {
    BH_TRY(memory_->write(GuestAddress{kDataPhysical[i]},
                          std::span(image).subspan(kDataPages[i].image_offset, kPage)));
  }
  start_.general.gpr = input.gpr;
  start_.general.rip = input.code.rip;
  start_.general.rflags = input.rflags;
  start_.fpu = input.fpu;
  start_.system.segments[vmm::Fs].base = input.fs_base;
  start_.system.segments[vmm::Gs].base = input.gs_base;
  for (vmm::Msr& msr : start_.msrs) {
    constexpr std::uint32_t kFsBase = 0xc000'0100;
    constexpr std::uint32_t kGsBase = 0xc000'0101;
    if (msr.index == kFsBase) msr.value = input.fs_base;
    if (msr.index == kGsBase) msr.value = input.gs_base;
  }
  return vcpu_->restore(start_);
}

Result<> GuestExecutor::take(std::uint8_t vector, Outcome& outcome) {
  vmm::VcpuState state = BH_TRY(vcpu_->save());
  struct Frame {
    std::uint64_t rip, cs, rflags, rsp, ss;
  };
  std::uint64_t stack = state.general.gpr[vmm::Rsp] - kSupervisorStart;
  outcome.error_code = 0;
  if (pushes_error_code(vector)) {
    outcome.error_code = BH_TRY(memory_->read_object<std::uint32_t>(GuestAddress{stack}));
    stack += 8;
  }
  auto const frame = BH_TRY(memory_->read_object<Frame>(GuestAddress{stack}));
  outcome.ending = Ending::Exception;
  outcome.vector = vector;
  outcome.cr2 = vector == kPageFault ? state.system.cr2 : 0;
  outcome.gpr = state.general.gpr;
  outcome.gpr[vmm::Rsp] = frame.rsp;
  outcome.rip = frame.rip;
  outcome.rflags = frame.rflags;
  outcome.fs_base = state.system.segments[vmm::Fs].base;
  outcome.gs_base = state.system.segments[vmm::Gs].base;
  outcome.fpu = state.fpu;
  for (std::size_t i = 0; i < kDataPages.size(); ++i) {
    BH_TRY(memory_->read(GuestAddress{kDataPhysical[i]},
                         std::span(outcome.memory).subspan(kDataPages[i].image_offset, kPage)));
  }
  return {};
}

Result<> GuestExecutor::write_code(std::uint64_t rip, std::span<std::byte const> bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    std::uint64_t const offset = rip + done - kCodeStart;
    if (offset >= kCodeSize) break;  // Cut off at the end of the last page.
    std::size_t const count = std::min<std::size_t>(bytes.size() - done, kPage - offset % kPage);
    BH_TRY(memory_->write(GuestAddress{kCodePhysical[offset / kPage] + offset % kPage},
                          bytes.subspan(done, count)));
    done += count;
  }
  return {};
}

Result<> GuestExecutor::put_code(Code const& code) {
  std::array<std::byte, sizeof last_code_.bytes> markers;
  markers.fill(std::byte{kMarker});
  BH_TRY(write_code(last_code_.rip, std::span(markers).first(last_code_.length)));
  last_code_ = code;
  return write_code(code.rip, std::as_bytes(std::span(code.bytes).first(code.length)));
}

std::array<std::uint32_t, 4> GuestExecutor::cpuid(std::uint32_t leaf, std::uint32_t subleaf) {
  CaseInput input;
  input.code = {.bytes = {0x0f, 0xa2}, .length = 2, .rip = kCodeStart};
  input.gpr[vmm::Rax] = leaf;
  input.gpr[vmm::Rcx] = subleaf;
  Outcome const& outcome = run({&input, 1}).front();
  if (outcome.ending != Ending::Exception) return {};
  auto low = [&](vmm::Gpr number) { return static_cast<std::uint32_t>(outcome.gpr[number]); };
  return {low(vmm::Rax), low(vmm::Rbx), low(vmm::Rcx), low(vmm::Rdx)};
}

}  // namespace bh::isa
