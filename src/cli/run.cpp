#include "cli/run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "cli/image_transfer.h"
#include "image/disk_image.h"
#include "image/registry/transfer.h"
#include "image/unpacked_layer.h"
#include "machine/providers/companions.h"
#include "machine/providers/container.h"
#include "machine/providers/microvm.h"

namespace bh::cli {

namespace {

constexpr std::uint64_t kMostMemory = 1u << 20;  // MiB
constexpr std::uint64_t kMostCpus = 32;

constexpr std::array kRunOptions{
    Option{"--isolation", "HOW", "microvm (default): a kernel of its own; or container"},
    Option{"--memory", "MIB", "Memory; 256 for a microVM unless said", "-m"},
    Option{"--cpus", "N", "CPUs; 1 for a microVM unless said"},
    Option{"--env", "NAME=VALUE", "A variable; NAME alone takes ours; as often as needed", "-e"},
    Option{"--workdir", "DIR", "Where the command starts", "-w"},
    Option{"--user", "USER[:GROUP]", "Who it runs as", "-u"},
    Option{"--entrypoint", "PROGRAM", "Instead of the image's"},
    Option{"--hostname", "NAME", "The machine's own name"},
    Option{"--network", "NAME", "none (default), or user: what this host reaches by its addresses"},
    Option{"--publish", "[ADDRESS:]HOST_PORT:PORT[/udp]",
           "A port of this host, on its loopback unless said, that leads to the machine's", "-p"},
    Option{"--tty", "", "Give a container a terminal; a microVM has one", "-t"},
    Option{"--interactive", "", "Standard input is the command's; always so", "-i"},
    Option{"--rm", "", "Leave nothing behind; always so"},
    Option{"--pull", "WHEN", "missing (default), never or always"},
    kRootOption,
    kInsecureOption,
    kCaFileOption,
    kCredsOption,
    Option{"--kernel", "FILE", "A microVM's kernel: vmlinux or bzImage, instead of ours"},
    Option{"--initrd", "FILE", "Its root file system as an initramfs, instead of an image"},
    Option{"--engine", "NAME", "auto (default), kvm or soft"},
    Option{"--translate", "MODE",
           "How the soft engine runs code: on (default), off, exact or compare"},
    Option{"--code-cache", "FILE",
           "Where the soft engine keeps translated code for the next run, or none"},
    Option{"--append", "ARGS", "More words for the kernel's command line"},
    Option{"--init", "FILE", "The static bulkhead-init, if it is not where it is looked for"},
};

Result<std::optional<std::uint64_t>> number(Options const& options, std::string_view name,
                                            std::uint64_t most) {
  if (!options.has(name)) return std::nullopt;
  auto const text = options.value(name);
  std::uint64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0 || value > most) {
    return fail(Errc::Invalid,
                fmt::format("{} \"{}\": must be a number from 1 to {}", name, text, most));
  }
  return value;
}

std::optional<std::string> text(Options const& options, std::string_view name) {
  if (!options.has(name)) return std::nullopt;
  return std::string(options.value(name));
}

Result<std::vector<std::string>> variables(Options const& options) {
  std::vector<std::string> variables;
  for (auto const& given : options.values("--env")) {
    if (given.empty() || given.front() == '=') {
      return fail(Errc::Invalid, "--env \"" + given + "\": must be NAME=VALUE or NAME");
    }
    if (given.find('=') != given.npos) {
      variables.push_back(given);
    } else if (auto const* const ours = std::getenv(given.c_str())) {
      variables.push_back(given + "=" + ours);
    }
  }
  return variables;
}

Result<> read_network(Options const& options, machine::Definition& definition) {
  if (options.has("--network")) {
    definition.network = BH_TRY(machine::parse_network_kind(options.value("--network")));
  }
  for (auto const& text : options.values("--publish")) {
    auto port = net::PublishedPort::parse(text);
    if (!port) return std::unexpected(std::move(port).error().while_doing("--publish"));
    definition.ports.push_back(*port);
  }
  bool const networked =
      definition.network != machine::NetworkKind::None || !definition.ports.empty();
  if (networked && definition.isolation == machine::Isolation::Container) {
    return fail(Errc::Unsupported,
                "networks and published ports of containers are not supported yet (use "
                "--isolation microvm)");
  }
  return {};
}

Result<machine::Definition> read_definition(Options const& options) {
  machine::Definition definition;
  if (options.has("--isolation")) {
    auto const isolation = BH_TRY(machine::parse_isolation(options.value("--isolation")));
    definition.isolation = isolation;
  }
  auto const memory = BH_TRY(number(options, "--memory", kMostMemory));
  auto const cpus = BH_TRY(number(options, "--cpus", kMostCpus));
  auto const environment = BH_TRY(variables(options));
  definition.memory_mib = memory;
  definition.cpus = cpus;
  definition.environment = environment;
  definition.working_folder = text(options, "--workdir");
  definition.user = text(options, "--user");
  definition.entrypoint = text(options, "--entrypoint");
  definition.host_name = options.value("--hostname");
  BH_TRY(read_network(options, definition));
  return definition;
}

/// Empty if there is no place for it.
std::string usual_code_cache() {
  auto const folder = machine::cache_folder();
  return folder.empty() ? std::string() : (folder / "code").string();
}

Result<machine::MicrovmOptions> read_microvm_options(Options const& options) {
  machine::MicrovmOptions microvm;
  microvm.kernel = options.value("--kernel");
  if (microvm.kernel.empty()) {
    auto const kernel = BH_TRY(machine::find_guest_kernel());
    microvm.kernel = kernel;
  }
  microvm.initrd = text(options, "--initrd");
  microvm.init = options.value("--init");
  microvm.engine = text(options, "--engine").value_or(microvm.engine);
  microvm.translate = text(options, "--translate").value_or(microvm.translate);
  microvm.code_cache = text(options, "--code-cache").value_or(usual_code_cache());
  if (microvm.code_cache == "none") microvm.code_cache.clear();
  microvm.append = options.value("--append");
  return microvm;
}

/// A machine whose root file system is an initramfs.
Result<int> run_initrd(Options const& options) {
  auto const definition = BH_TRY(read_definition(options));
  if (definition.isolation != machine::Isolation::Microvm) {
    return fail(Errc::Invalid, "--initrd is for a microVM: a container has no kernel to unpack it");
  }
  auto const microvm = BH_TRY(read_microvm_options(options));
  machine::Microvm machine;
  machine.memory_mib = definition.memory_mib.value_or(machine.memory_mib);
  machine.cpus = definition.cpus.value_or(machine.cpus);
  machine.command.assign(options.words().begin(), options.words().end());
  machine.network = definition.network;
  machine.ports = definition.ports;
  for (auto const& variable : definition.environment) machine.settings.push_back("env=" + variable);
  if (definition.user) machine.settings.push_back("user=" + *definition.user);
  if (definition.working_folder) {
    machine.settings.push_back("folder=" + *definition.working_folder);
  }
  if (!definition.host_name.empty()) machine.settings.push_back("host=" + definition.host_name);
  return machine::run_microvm(machine, microvm);
}

/// The image, fetched if it has to be.
Result<image::Image> get_image(image::Store const& store, std::string const& name,
                               Options const& options) {
  auto const when = text(options, "--pull").value_or("missing");
  if (when != "missing" && when != "never" && when != "always") {
    return fail(Errc::Invalid, "--pull \"" + when + "\": must be missing, never or always");
  }
  auto found = image::find_image(store, name);
  bool const missing = !found && found.error().code == Errc::NotFound;
  if (when == "never" || (when == "missing" && !missing)) return found;
  auto const reference = BH_TRY(image::Reference::parse(name));
  auto const transfer = BH_TRY(transfer_options(options));
  auto const pulled = BH_TRY(image::registry::pull(store, reference, transfer));
  return image::load_image(store, pulled.image);
}

Result<int> run_image(Options const& options) {
  auto words = options.words();
  auto const& name = words[0];
  words = words.subspan(1);
  if (!words.empty() && words[0] == "--") words = words.subspan(1);
  auto definition = BH_TRY(read_definition(options));
  definition.command.assign(words.begin(), words.end());

  auto const store = BH_TRY(open_store(options));
  // Held until the end: garbage collection must not take what the machine uses.
  auto const adding = BH_TRY(store.begin_adding());
  auto const image = BH_TRY(get_image(store, name, options));
  auto const process = BH_TRY(machine::process_of(definition, image.config));
  if (definition.isolation == machine::Isolation::Container) {
    auto const layers = BH_TRY(image::unpacked_layers(store, image));
    return machine::run_container(definition, process,
                                  {.layers = layers,
                                   .work_folder = store.path() + "/" + image::kBuildFolder,
                                   .terminal = options.has("--tty")});
  }
  auto const microvm = BH_TRY(read_microvm_options(options));
  auto const disk = BH_TRY(image::disk_image(store, image));
  return machine::run_microvm(machine::microvm_of(definition, process, disk), microvm);
}

Result<int> run(Context& /*context*/, Options const& options) {
  if (options.has("--initrd")) return run_initrd(options);
  if (options.words().empty()) {
    return fail(Errc::Invalid, "an IMAGE is expected, or --initrd FILE (see bulkhead run --help)");
  }
  return run_image(options);
}

}  // namespace

constinit Command const kRun{
    .name = "run",
    .usage = "run [OPTION...] IMAGE [--] [COMMAND [ARGUMENT...]]",
    .summary = "Run a command in a throw-away machine made from an image",
    .options = kRunOptions,
    .run = run,
};

}  // namespace bh::cli
