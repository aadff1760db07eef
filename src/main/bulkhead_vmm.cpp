// The program bulkhead-vmm: one process, one virtual machine.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <csignal>
#include <ctime>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "vmm/api/config.h"
#include "vmm/kvm/kvm_probe.h"
#include "vmm/vm/engine_choice.h"
#include "vmm/vm/exit_code.h"
#include "vmm/vm/logger.h"
#include "vmm/vm/signals.h"
#include "vmm/vm/vm.h"

namespace bh::vmm {
namespace {

constexpr std::string_view kProgram = "bulkhead-vmm";

constexpr std::string_view kFooter = R"(
Exit status:
  the byte the guest wrote to its exit port (I/O port 0xf4), if it did; else
    0  the guest reset or powered off        1  failed while running
  152  bad configuration                   153  bad arguments
  148 bad system call, 149 bus error, 150 segmentation fault, 151 file size limit,
  154 CPU time limit, 155 nobody reads the output, 156 hang-up, 157 illegal instruction
  128 + N  ended by signal N

At a terminal, Ctrl-A x ends the machine and Ctrl-A Ctrl-A types one Ctrl-A.
What the command line says about the log wins over the configuration file.
)";

struct Arguments {
  std::optional<std::string> config_file;
  std::string id = "anonymous-instance";
  std::string engine = "auto";
  std::string translate = "on";
  std::optional<std::string> log_path;
  std::optional<std::string> level;
  std::optional<std::string> module;
  bool show_level = false;
  bool show_log_origin = false;
  bool no_api = false;
  bool boot_timer = false;
  bool expect_status = false;
  bool probe = false;
  bool json = false;
  bool stats = false;
};

int complain(int code, std::string_view words) {
  fmt::print(stderr, "{}: {}\n", kProgram, escape_controls(words));
  return code;
}

/// An exit status if the program is over: after --help, --version or a mistake.
std::optional<int> parse(int argc, char** argv, Arguments& out) {
  CLI::App app("Runs one microVM, from a configuration file of Firecracker's format.",
               std::string(kProgram));
  app.add_option("--config-file", out.config_file, "Configuration of the microVM (JSON)");
  app.add_flag("--no-api", out.no_api, "Run without an API socket");
  app.add_option("--id", out.id, "Name of the microVM: 1 to 64 letters, digits and '-'")
      ->capture_default_str();
  app.add_option("--engine", out.engine, "auto, kvm or soft; auto measures what KVM can do here")
      ->capture_default_str();
  app.add_option(
         "--translate", out.translate,
         "How the soft engine runs code: on; off steps through every instruction; exact keeps "
         "even dead flags right at faults")
      ->capture_default_str();
  app.add_flag("--stats", out.stats, "At the end, tell where the soft engine's time went");
  app.add_flag("--boot-timer", out.boot_timer,
               "Log how long the guest took to write 123 to address 0xc0000000 or port 0x3f0");
  app.add_flag("--expect-status", out.expect_status,
               "Fail if the guest ends without writing to its exit port");
  app.add_option("--log-path", out.log_path, "File or FIFO for the log; default: standard error");
  app.add_option("--level", out.level, "Off, Error, Warning, Info (default), Debug or Trace");
  app.add_option("--module", out.module, "Log only messages from sources whose path starts so");
  app.add_flag("--show-level", out.show_level, "Log the level of each message");
  app.add_flag("--show-log-origin", out.show_log_origin, "Log the source line of each message");
  app.add_flag("--probe", out.probe, "Say what KVM can do here and which engine auto picks");
  app.add_flag("--json", out.json, "With --probe: as JSON");
  app.set_version_flag("--version", fmt::format("{} v{}", kProgram, BULKHEAD_VERSION));
  app.footer(std::string(kFooter));
  try {
    app.parse(argc, argv);
  } catch (CLI::Success const& success) {
    return app.exit(success);
  } catch (CLI::ParseError const& error) {
    return complain(kExitBadArguments, fmt::format("arguments: {}; see --help", error.what()));
  }
  return std::nullopt;
}

Result<> check(Arguments const& arguments) {
  auto const allowed = [](unsigned char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
           (letter >= 'A' && letter <= 'Z') || letter == '-';
  };
  if (arguments.id.empty() || arguments.id.size() > 64 ||
      !std::ranges::all_of(arguments.id, allowed)) {
    return fail(Errc::Invalid,
                fmt::format("--id \"{}\": must be 1 to 64 letters, digits and '-'", arguments.id));
  }
  if (arguments.json && !arguments.probe) return fail(Errc::Invalid, "--json goes with --probe");
  if (arguments.probe) return {};
  if (!arguments.no_api) {
    return fail(Errc::Unsupported,
                "the API socket is not supported yet (use --config-file FILE --no-api)");
  }
  if (!arguments.config_file) return fail(Errc::Invalid, "--no-api needs --config-file FILE");
  return {};
}

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
  auto const config = load_config(*arguments.config_file);
  if (!config) return refuse(config.error());
  auto logger = open_logger(arguments, config->logger);
  if (!logger) return refuse(logger.error());

  logger->log(LogLevel::Info, fmt::format("{} v{} starts", kProgram, BULKHEAD_VERSION));
  for (auto const& name : config->ignored_sections) {
    logger->log(LogLevel::Warning,
                fmt::format("{}: unknown section \"{}\" is ignored", *arguments.config_file, name));
  }
  auto const choice = choose_engine(*kind);
  logger->log(LogLevel::Info, fmt::format("engine {}: {}", name_of(choice.kind), choice.why));

  VmOptions options{.engine = choice.kind,
                    .translate = *translate,
                    .statistics = arguments.stats,
                    .boot_clock = {}};
  if (arguments.boot_timer) options.boot_clock = boot_clock(started);
  auto const vm = Vm::create(*config, std::move(options), *logger);
  if (!vm) {
    // Once is enough for who reads standard error.
    if (logger->has_file()) logger->log(LogLevel::Error, vm.error().message);
    return refuse(vm.error());
  }
  auto const reason = (*vm)->run(*signals);
  if (arguments.stats) fmt::print(stderr, "{}", (*vm)->statistics());
  if (!reason) {
    return complain(kExitFailed, fmt::format("run {}: {}", arguments.id, reason.error().message));
  }
  logger->log(LogLevel::Info, "ends: " + describe(*reason));
  return exit_status(*reason, arguments);
}

/// Files opened later must not become standard input or output because those were closed.
void occupy_standard_descriptors() {
  for (int fd = 0; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR | O_NOCTTY) != fd)
      ::_exit(kExitFailed);
  }
}

}  // namespace
}  // namespace bh::vmm

int main(int argc, char** argv) {
  using namespace bh::vmm;
  auto const started = std::chrono::steady_clock::now();
  occupy_standard_descriptors();
  handle_fatal_signals();
  Arguments arguments;
  if (auto const status = parse(argc, argv, arguments)) return *status;
  if (auto const checked = check(arguments); !checked) {
    return complain(kExitBadArguments, "arguments: " + checked.error().message);
  }
  return arguments.probe ? print_probe(arguments.json) : run(arguments, started);
}
