// The program bulkhead-vmm: one process, one virtual machine.
#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <csignal>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "os/file.h"
#include "os/text_file.h"
#include "vmm/api/config.h"
#include "vmm/api/json.h"
#include "vmm/kvm/kvm_probe.h"
#include "vmm/mmds/store.h"
#include "vmm/program/arguments.h"
#include "vmm/program/session.h"
#include "vmm/vm/engine_choice.h"
#include "vmm/vm/exit_code.h"
#include "vmm/vm/logger.h"
#include "vmm/vm/signals.h"
#include "vmm/vm/vm.h"

namespace bh::vmm {
namespace {

std::string_view name_of(EngineKind kind) {
  return kind == EngineKind::Kvm ? "kvm" : "soft";
}

int print_probe(bool as_json) {
  auto const report = kvm::probe_kvm();
  auto const engine = name_of(report.usable ? EngineKind::Kvm : EngineKind::Soft);
  if (as_json) {
    boost::json::array steps;
    for (auto const& step : report.steps) {
      steps.push_back({{"name", step.name}, {"ok", step.ok}, {"detail", step.detail}});
    }
    boost::json::object const whole{
        {"engine", engine},
        {"kvm",
         {{"usable", report.usable}, {"verdict", report.verdict}, {"steps", std::move(steps)}}}};
    fmt::print("{}\n", boost::json::serialize(whole));
    return kExitOk;
  }
  for (auto const& step : report.steps) {
    fmt::print("kvm: {}: {}{}{}\n", step.name, step.ok ? "ok" : "FAILED",
               step.detail.empty() ? "" : ": ", step.detail);
  }
  fmt::print("engine auto: {}: {}\n", engine, report.verdict);
  return kExitOk;
}

/// Time since `start`, and CPU time of the whole process.
BootTimer::Clock boot_clock(std::chrono::steady_clock::time_point start) {
  return [start] {
    timespec cpu{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    return BootTime{.wall = std::chrono::duration_cast<std::chrono::microseconds>(
                        std::chrono::steady_clock::now() - start),
                    .cpu = std::chrono::microseconds(cpu.tv_sec * 1'000'000 + cpu.tv_nsec / 1000)};
  };
}

Result<Logger> open_logger(Arguments const& arguments, LoggerConfig const& config) {
  LoggerOptions options{
      .path = arguments.log_path ? arguments.log_path : config.log_path,
      .id = arguments.id,
      .level = config.level.value_or(LogLevel::Info),
      .show_level = arguments.show_level || config.show_level.value_or(false),
      .show_origin = arguments.show_log_origin || config.show_log_origin.value_or(false),
      .module = arguments.module.value_or(config.module.value_or(""))};
  if (arguments.level) {
    auto const level = BH_TRY(parse_log_level(*arguments.level));
    options.level = level;
  }
  return Logger::open(std::move(options));
}

int exit_status(StopReason const& reason, Arguments const& arguments) {
  auto const start = fmt::format("run {}: ", arguments.id);
  if (auto const* const exit = std::get_if<GuestExit>(&reason)) return exit->status;
  if (auto const* const ended = std::get_if<Terminated>(&reason)) {
    return ended->signal == SIGHUP ? kExitHangUp : kExitSignalBase + ended->signal;
  }
  if (std::holds_alternative<EngineFailure>(reason)) {
    return complain(kExitFailed, start + describe(reason));
  }
  if (std::holds_alternative<ConsoleClosed>(reason)) return kExitBrokenPipe;
  if (arguments.expect_status) {
    return complain(kExitFailed, start + describe(reason) + " without an exit status");
  }
  return kExitOk;
}

/// What the command line chose about the machine beside its configuration.
struct Choices {
  EngineKind engine;
  Translate translate;
};

/// Where the guest prints to, if not to standard output.
struct SerialFiles {
  os::UniqueFd input;
  os::UniqueFd output;
};

Result<std::optional<SerialFiles>> open_serial(VmConfig const& config) {
  if (!config.serial || !config.serial->serial_out_path) return std::nullopt;
  auto input = BH_TRY(os::open_file("/dev/null", O_RDONLY));
  auto output = BH_TRY(os::open_at(AT_FDCWD, *config.serial->serial_out_path,
                                   O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY, 0640));
  return SerialFiles{std::move(input), std::move(output)};
}

/// Makes machines of one engine, until one of them runs.
class Maker {
 public:
  Maker(Arguments const& arguments, Choices choices, Logger& logger, mmds::Store& store,
        std::chrono::steady_clock::time_point started)
      : arguments_(arguments),
        choices_(choices),
        logger_(logger),
        store_(store),
        started_(started) {}

  Result<std::unique_ptr<Vm>> operator()(VmConfig const& config) {
    VmOptions options{.engine = choices_.engine,
                      .translate = choices_.translate,
                      .statistics = arguments_.stats,
                      .perf_map = arguments_.perf_map,
                      .code_cache = arguments_.code_cache,
                      .boot_clock = {},
                      .metadata = &store_};
    if (arguments_.boot_timer) options.boot_clock = boot_clock(started_);
    serial_ = BH_TRY(open_serial(config));
    if (serial_) {
      options.console_input = serial_->input.get();
      options.console_output = serial_->output.get();
    }
    return Vm::create(config, std::move(options), logger_);
  }

 private:
  Arguments const& arguments_;
  Choices choices_;
  Logger& logger_;
  mmds::Store& store_;
  std::chrono::steady_clock::time_point started_;
  std::optional<SerialFiles> serial_;
};

Result<std::optional<VmConfig>> configuration(Arguments const& arguments) {
  if (!arguments.config_file) return std::nullopt;
  auto config = BH_TRY(load_config(*arguments.config_file));
  if (arguments.metrics_path) config.metrics = {.metrics_path = *arguments.metrics_path};
  return config;
}

Result<> load_metadata(Arguments const& arguments, mmds::Store& store) {
  if (!arguments.metadata) return {};
  auto const file = BH_TRY(os::open_file(*arguments.metadata, O_RDONLY));
  auto const text = BH_TRY(os::read_text(file, kJsonLimit));
  auto put = store.put(text);
  if (!put) return std::unexpected(std::move(put).error().while_doing(*arguments.metadata));
  return {};
}

int run(Arguments const& arguments, std::chrono::steady_clock::time_point started) {
  auto const start = fmt::format("start {}", arguments.id);
  auto const refuse = [&](Error error) {
    return complain(kExitBadConfiguration, std::move(error).while_doing(start).message);
  };
  auto const kind = parse_engine_kind(arguments.engine);
  if (!kind) return complain(kExitBadArguments, "arguments: --" + kind.error().message);
  auto const translate = parse_translate(arguments.translate);
  if (!translate) return complain(kExitBadArguments, "arguments: --" + translate.error().message);
  auto const signals = TerminationSignals::create();
  if (!signals) return refuse(signals.error());
  auto const config = configuration(arguments);
  if (!config) return refuse(config.error());
  auto logger = open_logger(arguments, *config ? (*config)->logger : LoggerConfig());
  if (!logger) return refuse(logger.error());
  mmds::Store store(arguments.mmds_limit.value_or(arguments.payload_limit));
  if (auto const loaded = load_metadata(arguments, store); !loaded) return refuse(loaded.error());

  logger->log(LogLevel::Info, fmt::format("{} v{} starts", kProgram, BULKHEAD_VERSION));
  if (*config) {
    for (auto const& name : (*config)->ignored_sections) {
      logger->log(LogLevel::Warning, fmt::format("{}: unknown section \"{}\" is ignored",
                                                 *arguments.config_file, name));
    }
  }
  auto const choice = choose_engine(*kind);
  logger->log(LogLevel::Info, fmt::format("engine {}: {}", name_of(choice.kind), choice.why));

  Maker maker(arguments, {choice.kind, *translate}, *logger, store, started);
  SessionWorld world{.arguments = arguments,
                     .logger = *logger,
                     .signals = *signals,
                     .store = store,
                     .make_machine = [&](VmConfig const& wanted) { return maker(wanted); }};
  auto const end = arguments.no_api ? run_without_api(std::move(world), **config)
                                    : run_with_api(std::move(world), *config);
  if (auto const* const failure = std::get_if<StartFailure>(&end)) {
    // Once is enough for who reads standard error.
    if (logger->has_file()) logger->log(LogLevel::Error, failure->error.message);
    return refuse(failure->error);
  }
  auto const& reason = std::get<StopReason>(end);
  logger->log(LogLevel::Info, "ends: " + describe(reason));
  return exit_status(reason, arguments);
}

/// Files opened later must not become standard input or output because those were closed.
void occupy_standard_descriptors() {
  for (int fd = 0; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR | O_NOCTTY) != fd)
      ::_exit(kExitFailed);
  }
}

/// The usual 8 MiB hold whole huge pages, and a kernel that gives those to whoever touches one byte
/// makes every thread cost 2 MiB of resident memory.
void limit_thread_stacks() {
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) return;
  ::pthread_attr_setstacksize(&attributes, kBytes);
  ::pthread_setattr_default_np(&attributes);
  ::pthread_attr_destroy(&attributes);
}

}  // namespace
}  // namespace bh::vmm

int main(int argc, char** argv) {
  using namespace bh::vmm;
  auto const started = std::chrono::steady_clock::now();
  occupy_standard_descriptors();
  limit_thread_stacks();
  handle_fatal_signals();
  Arguments arguments;
  if (auto const status = parse_arguments(argc, argv, arguments)) return *status;
  return arguments.probe ? print_probe(arguments.json) : run(arguments, started);
}
