#include "vmm/vm/vm.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <utility>

#include "base/units.h"
#include "os/host_memory.h"
#include "vmm/boot/boot.h"
#include "vmm/loop/device_loop.h"
#include "vmm/loop/event.h"
#include "vmm/loop/timer.h"
#include "vmm/vm/console_input.h"
#include "vmm/vm/kernel_arguments.h"
#include "vmm/vm/startup_code.h"
#include "vmm/vm/terminal.h"

namespace bh::vmm {

namespace {

// How long a guest that listens to its power button may take to power off.
constexpr std::chrono::seconds kGrace{20};
// How often a machine that has ended looks for a signal while its output is still being written.
constexpr std::chrono::milliseconds kFlushSlice{50};
// After a signal, output that nobody reads is worth this much waiting.
constexpr std::chrono::milliseconds kFlushAfterSignal{200};

HugePages huge_pages(HugePagesConfig config) {
  switch (config) {
    case HugePagesConfig::Transparent: return HugePages::Transparent;
    case HugePagesConfig::TwoMebibytes: return HugePages::Explicit2M;
    case HugePagesConfig::None: break;
  }
  return HugePages::None;
}

struct Console {
  DeviceLoop& loop;
  os::UniqueFd const& input_room;
  Locked<Serial>& port;
  StopSwitch& stop;
};

/// The keyboard or whatever else stands in its place, and the terminal's mode meanwhile.
struct Input {
  std::optional<RawTerminal> terminal;
  std::unique_ptr<ConsoleInput> reader;
};

Result<Input> start_input(int fd, Console console) {
  Input input;
  auto escape = ConsoleInput::Escape::None;
  if (RawTerminal::is_ours(fd)) {
    auto terminal = BH_TRY(RawTerminal::enter(fd));
    input.terminal.emplace(std::move(terminal));
    escape = ConsoleInput::Escape::ControlA;
  } else if (::isatty(fd) == 1) {
    return input;  // In the background: to read would stop the whole process.
  }
  auto reader = BH_TRY(ConsoleInput::start(fd, escape, console.loop, console.input_room,
                                           console.port.lock, console.port.device, console.stop));
  input.reader = std::move(reader);
  return input;
}

}  // namespace

Vm::Vm(GuestMemory memory, StopSwitch stop, os::UniqueFd input_room, int console_input,
       int console_output, Logger& logger)
    : logger_(logger),
      input_(console_input),
      memory_(std::move(memory)),
      stop_(std::move(stop)),
      input_room_(std::move(input_room)),
      console_(console_output, [this] { stop_.stop(ConsoleClosed()); }) {}

Result<std::unique_ptr<Vm>> Vm::create(VmConfig const& config, VmOptions options, Logger& logger) {
  auto const host_memory = BH_TRY(os::host_memory());
  BH_TRY(check_fits(config.machine, host_memory));
  auto memory = BH_TRY(GuestMemory::create(config.machine.mem_size_mib * kMiB,
                                           huge_pages(config.machine.huge_pages)));
  auto stop = BH_TRY(StopSwitch::create());
  auto input_room = BH_TRY(create_event());
  std::unique_ptr<Vm> vm(new Vm(std::move(memory), std::move(stop), std::move(input_room),
                                options.console_input, options.console_output, logger));
  EngineOptions const engine_options{.vcpu_count = config.machine.vcpu_count,
                                     .chips = InterruptChips::Present,
                                     .translate = options.translate,
                                     .statistics = options.statistics,
                                     .perf_map = options.perf_map,
                                     .cpu_template = config.cpu_template,
                                     .code_cache = options.code_cache};
  auto engine = BH_TRY(create_engine(options.engine, vm->memory_, engine_options));
  vm->engine_ = std::move(engine);
  for (unsigned index = 0; index < config.machine.vcpu_count; ++index) {
    auto vcpu = BH_TRY(vm->engine_->create_vcpu(index));
    vm->vcpus_.push_back(std::move(vcpu));
  }
  PlatformWorld const world{
      .engine = *vm->engine_,
      .console = vm->console_,
      .stop = vm->stop_,
      .logger = logger,
      .input_room = vm->input_room_,
      .console_limit = config.serial ? config.serial->rate_limiter : std::nullopt};
  auto platform = BH_TRY(Platform::create(world, std::move(options.boot_clock)));
  vm->platform_ = std::move(platform);
  auto devices = BH_TRY(Devices::create(config, {.memory = vm->memory_,
                                                 .engine = *vm->engine_,
                                                 .mmio = vm->platform_->mmio(),
                                                 .logger = logger,
                                                 .metadata = options.metadata}));
  vm->devices_ = std::move(devices);
  BH_TRY(vm->boot(config));
  return vm;
}

Result<> Vm::boot(VmConfig const& config) {
  auto& first = *vcpus_.front();
  auto reset_state = BH_TRY(first.save());
  auto const places = devices_->places();
  boot::BootRequest const request{.kernel_path = config.boot_source.kernel_image_path,
                                  .initrd_path = config.boot_source.initrd_path,
                                  .command_line = kernel_arguments(config, {}),
                                  .command_line_without_acpi = kernel_arguments(config, places),
                                  .vcpu_count = config.machine.vcpu_count,
                                  .mmio_devices = places};
  auto const state = BH_TRY(boot::prepare_boot(memory_, request, std::move(reset_state)));
  return first.restore(state);
}

Result<StopReason> Vm::run(TerminationSignals const& signals,
                           std::move_only_function<void()> on_running) {
  auto const waited = start_and_wait(signals, std::move(on_running));
  for (auto& thread : threads_) thread->request_stop();
  threads_.clear();
  if (!waited) return std::unexpected(Error(waited.error()));
  flush_console(signals);
  if (auto const saved = engine_->save_code(); !saved) {
    logger_.log(LogLevel::Warning, saved.error().message);
  }
  // The loop ends only by the switch.
  return stop_.reason().value_or(EngineFailure{"the machine stopped without a reason"});
}

Result<> Vm::start_and_wait(TerminationSignals const& signals,
                            std::move_only_function<void()> on_running) {
  auto loop = BH_TRY(DeviceLoop::create());
  BH_TRY(loop.watch(stop_.event().get(), [&loop] { loop.quit(); }));
  auto grace = BH_TRY(Timer::create());
  BH_TRY(loop.watch(grace.fd().get(), [this] { stop_.stop(Terminated{SIGTERM}); }));
  bool asked = false;
  BH_TRY(loop.watch(signals.fd().get(), [&] {
    auto const signal = signals.take();
    if (!signal) return;
    // Once the guest is asked, then told.
    if (*signal == SIGTERM && !std::exchange(asked, true) && press_power_button()) {
      logger_.log(LogLevel::Info, "SIGTERM: pressed the guest's power button");
      grace.set(kGrace);
      return;
    }
    stop_.stop(Terminated{*signal});
  }));
  Console const console{loop, input_room_, platform_->serial(), stop_};
  auto const input = BH_TRY(start_input(input_, console));
  for (unsigned index = 0; index < vcpus_.size(); ++index) {
    threads_.push_back(std::make_unique<VcpuThread>(
        index, std::move(vcpus_[index]),
        VcpuWorld{platform_->ports(), platform_->mmio(), console_, stop_, gate_}));
  }
  release_startup_code();
  if (on_running) on_running();
  return loop.run();
}

void Vm::flush_console(TerminationSignals const& signals) {
  auto const reason = stop_.reason();
  bool const hurry = reason && std::holds_alternative<Terminated>(*reason);
  if (hurry) {
    console_.drain(kFlushAfterSignal);
  } else {
    while (!console_.drain(kFlushSlice) && !signals.take()) {
    }
  }
  if (int const error = console_.first_error(); error != 0) {
    logger_.log(LogLevel::Warning,
                fmt::format("console output was lost: write: {}", std::strerror(error)));
  }
}

}  // namespace bh::vmm
