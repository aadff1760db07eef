#include "cli/run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "cli/machine_definition.h"
#include "cli/machines.h"
#include "image/adding.h"
#include "image/disk_image.h"
#include "image/unpacked_layer.h"
#include "machine/providers/container.h"
#include "machine/providers/microvm.h"
#include "machine/providers/user_card.h"

namespace bh::cli {

namespace {

constexpr std::array kOwnOptions{
    Option{"--detach", "", "Leave it running and print its id", "-d"},
    Option{"--initrd", "FILE", "Its root file system as an initramfs, instead of an image"},
};
constexpr auto kRunOptions = join(kDefinitionOptions, kOwnOptions);

/// A machine whose root file system is an initramfs.
Result<int> run_initrd(Options const& options) {
  auto const definition = BH_TRY(read_definition(options));
  if (definition.isolation != machine::Isolation::Microvm) {
    return fail(Errc::Invalid, "--initrd is for a microVM: a container has no kernel to unpack it");
  }
  if (!definition.mounts.empty() || !definition.secrets.empty() || definition.read_only) {
    return fail(Errc::Unsupported, "--initrd has no mounts and secrets; give an IMAGE for them");
  }
  if (!definition.networks.empty()) {
    return fail(Errc::Unsupported,
                "--initrd: machines in managed networks are made from images (use --network user)");
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

Result<int> run_image(Options const& options) {
  auto words = options.words();
  auto const& name = words[0];
  words = words.subspan(1);
  if (!words.empty() && words[0] == "--") words = words.subspan(1);
  auto definition = BH_TRY(read_definition(options));
  definition.command.assign(words.begin(), words.end());

  auto const store = BH_TRY(open_store(options));
  // Held until the end: garbage collection must not take what the machine uses.
  auto adding = BH_TRY(store.begin_adding());
  auto const image = BH_TRY(get_image(store, name, options));
  BH_TRY(image::claim_image(store, image));
  auto const process = BH_TRY(machine::process_of(definition, image.config));
  if (definition.isolation == machine::Isolation::Container) {
    BH_TRY(enter_container_ids());
    auto const layers = BH_TRY(image::unpacked_layers(store, image));
    std::vector<std::string> used;
    for (auto const& id : image.config.diff_ids) used.push_back(id.hex());
    BH_TRY(adding.settle(used));
    return machine::run_container(
        definition, process,
        {.layers = layers, .work_folder = store.path() + "/" + image::kBuildFolder});
  }
  auto const microvm = BH_TRY(read_microvm_options(options));
  auto const disk = BH_TRY(image::disk_image(store, image));
  BH_TRY(adding.settle(std::array{image::chain_id(image.config.diff_ids).hex()}));
  return machine::run_microvm(machine::microvm_of(definition, process, disk), microvm);
}

/// A machine with a row of its own, which other commands can find.
Result<int> run_kept(Context& context, Options const& options, Lifetime lifetime) {
  auto machines = BH_TRY(open_machines(options));
  auto record = BH_TRY(add_machine(machines, options, lifetime));
  if (!options.has("--detach")) {
    return start_attached(machines, record,
                          lifetime == Lifetime::OneRun || options.has("--interactive"));
  }
  auto const started =
      machine::start_supervisor(machines.root(), record.id, machine::Start::AtOnce);
  if (!started) return cannot_start(started.error());
  context.out << record.id << "\n";
  return 0;
}

Result<int> run(Context& context, Options const& options) {
  if (options.has("--initrd")) return run_initrd(options);
  if (options.words().empty()) {
    return fail(Errc::Invalid, "an IMAGE is expected, or --initrd FILE (see bulkhead run --help)");
  }
  for (auto const* const kept : {"--detach", "--name", "--tty", "--label", "--restart"}) {
    if (options.has(kept)) return run_kept(context, options, Lifetime::AsSaid);
  }
  // A supervisor and a row keep what these are about, for one run.
  for (auto const* const watched : {"--volume", "--mount", "--tmpfs", "--secret", "--read-only",
                                    "--liveness", "--readiness", "--health-cmd"}) {
    if (options.has(watched)) return run_kept(context, options, Lifetime::OneRun);
  }
  auto const definition = BH_TRY(read_definition(options));
  // An address is a row's.
  if (!definition.networks.empty()) return run_kept(context, options, Lifetime::OneRun);
  bool const container = definition.isolation == machine::Isolation::Container;
  // Somebody has to hold the other end of its cable.
  if (container && machine::has_user_card(definition.network, definition.ports)) {
    return run_kept(context, options, Lifetime::OneRun);
  }
  // A container whose limits cannot be set has not run; from the runtime alone one could not tell.
  if (container && ::geteuid() != 0 && (definition.memory_mib || definition.cpus)) {
    return run_kept(context, options, Lifetime::OneRun);
  }
  return run_image(options);
}

}  // namespace

constinit Command const kRun{
    .name = "run",
    .usage = "run [OPTION...] IMAGE [--] [COMMAND [ARGUMENT...]]",
    .summary = "Run a command in a new machine made from an image",
    .example =
        "bulkhead run --rm debian:12 sh -c 'cat /etc/os-release'\n"
        "bulkhead run -d --name web --isolation container -p 8080:80 nginx",
    .options = kRunOptions,
    .run = run,
    .failure = 125,
};

}  // namespace bh::cli
