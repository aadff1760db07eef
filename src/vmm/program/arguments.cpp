#include "vmm/program/arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "vmm/vm/exit_code.h"
#include "vmm/vm/logger.h"

namespace bh::vmm {

namespace {

constexpr std::string_view kFooter = R"(
Example:
  bulkhead-vmm --no-api --config-file vm.json

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

/// Options of Firecracker that we accept and have no use for, or do not have.
struct Ignored {
  bool no_seccomp = false;
  std::uint64_t time = 0;
};

Result<> refuse_unsupported(CLI::App const& app) {
  for (auto const* const name :
       {"--seccomp-filter", "--enable-pci", "--snapshot-version", "--describe-snapshot"}) {
    if (app.count(name) != 0)
      return fail(Errc::Unsupported, fmt::format("{}: not supported", name));
  }
  return {};
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
  if (arguments.no_api && !arguments.config_file) {
    return fail(Errc::Invalid, "--no-api needs --config-file FILE");
  }
  return {};
}

}  // namespace

int complain(int code, std::string_view words) {
  fmt::print(stderr, "{}: {}\n", kProgram, escape_controls(words));
  return code;
}

std::optional<int> parse_arguments(int argc, char** argv, Arguments& out) {
  CLI::App app(
      "Runs one microVM, as Firecracker does: told by an API socket or a configuration file.",
      std::string(kProgram));
  app.add_option("--config-file", out.config_file, "Configuration of the microVM (JSON)");
  app.add_flag("--no-api", out.no_api, "Run without an API socket; needs --config-file");
  app.add_option("--api-sock", out.api_sock, "Unix socket of the API")->capture_default_str();
  app.add_option("--metadata", out.metadata, "Metadata for the guest (JSON file)");
  app.add_option("--http-api-max-payload-size", out.payload_limit, "Bytes of the largest request")
      ->capture_default_str();
  app.add_option("--mmds-size-limit", out.mmds_limit,
                 "Bytes of metadata; default: the largest request's");
  app.add_option("--metrics-path", out.metrics_path, "File or FIFO for metrics, one JSON a line");
  app.add_flag("--api-error-codes", out.error_codes,
               "API errors carry a machine-readable \"code\" too");
  app.add_option("--id", out.id, "Name of the microVM: 1 to 64 letters, digits and '-'")
      ->capture_default_str();
  app.add_option("--engine", out.engine, "auto, kvm or soft; auto measures what KVM can do here")
      ->capture_default_str();
  app.add_option(
         "--translate", out.translate,
         "How the soft engine runs code: on; off steps through every instruction; exact keeps "
         "even dead flags right at faults; compare does both and stops where they differ")
      ->capture_default_str();
  app.add_option("--code-cache", out.code_cache,
                 "File that keeps the soft engine's translated code for the next run");
  app.add_flag("--perf-map", out.perf_map, "Name translated code for perf(1) in /tmp/perf-PID.map");
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
  Ignored ignored;
  app.add_flag("--no-seccomp", ignored.no_seccomp, "Accepted; there are no filters yet");
  for (auto const* const name :
       {"--start-time-us", "--start-time-cpu-us", "--parent-cpu-time-us"}) {
    app.add_option(name, ignored.time, "Accepted; of no meaning yet");
  }
  std::string unsupported;
  app.add_option("--seccomp-filter", unsupported, "Not supported");
  app.add_option("--describe-snapshot", unsupported, "Not supported");
  bool unsupported_flag = false;
  app.add_flag("--enable-pci", unsupported_flag, "Not supported");
  app.add_flag("--snapshot-version", unsupported_flag, "Not supported");
  app.set_version_flag("--version", fmt::format("{} v{}", kProgram, BULKHEAD_VERSION));
  app.footer(std::string(kFooter));
  try {
    app.parse(argc, argv);
  } catch (CLI::Success const& success) {
    return app.exit(success);
  } catch (CLI::ParseError const& error) {
    return complain(kExitBadArguments, fmt::format("arguments: {}; see --help", error.what()));
  }
  auto checked = refuse_unsupported(app);
  if (checked) checked = check(out);
  if (!checked) return complain(kExitBadArguments, "arguments: " + checked.error().message);
  return std::nullopt;
}

}  // namespace bh::vmm
