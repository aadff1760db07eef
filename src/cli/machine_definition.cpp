#include "cli/machine_definition.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "cli/image_options.h"
#include "cli/image_transfer.h"
#include "image/adding.h"
#include "image/registry/transfer.h"
#include "machine/network/host_networks.h"
#include "machine/process.h"
#include "machine/providers/companions.h"
#include "machine/signal_name.h"
#include "net/apply.h"
#include "os/user_namespace.h"

namespace bh::cli {

namespace {

constexpr std::uint64_t kMostMemory = 1u << 20;  // MiB
constexpr std::uint64_t kMostCpus = 32;
constexpr std::uint64_t kMostDisk = 1u << 24;  // MiB

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

/// none, user, or managed networks.
Result<> read_networks(Options const& options, machine::Definition& definition) {
  auto const names = options.values("--network");
  for (auto const& name : names) {
    auto const kind = machine::parse_network_kind(name);
    if (kind && names.size() > 1) {
      return fail(Errc::Invalid, "--network " + name + " excludes other networks");
    }
    if (kind) {
      definition.network = *kind;
      continue;
    }
    BH_TRY(machine::check_network_name(name));
    if (std::ranges::count(names, name) > 1) {
      return fail(Errc::Invalid, "--network " + name + " is given twice");
    }
    definition.networks.push_back({.name = name, .address = std::nullopt});
  }
  if (definition.networks.size() > machine::kMostNetworks) {
    return fail(Errc::Invalid, fmt::format("--network: a machine joins at most {} networks",
                                           machine::kMostNetworks));
  }
  if (!options.has("--ip")) return {};
  if (definition.networks.size() != 1) {
    return fail(Errc::Invalid, "--ip is for a machine in one managed network (--network NAME)");
  }
  auto const address = net::Ipv4Address::parse(options.value("--ip"));
  if (!address) return std::unexpected(Error(address.error()).while_doing("--ip"));
  definition.networks.front().address = *address;
  return {};
}

/// Bytes a second.
Result<std::optional<std::uint64_t>> rate(Options const& options, std::string_view name,
                                          machine::Definition const& definition) {
  auto const given = BH_TRY(number(options, name, net::kHighestRate));
  if (!given) return given;
  if (*given < net::kLowestRate) {
    return fail(Errc::Invalid, fmt::format("{} {}: must be {} bytes a second or more", name, *given,
                                           net::kLowestRate));
  }
  if (definition.networks.empty()) {
    return fail(Errc::Invalid,
                fmt::format("{} is for machines in managed networks (--network NAME)", name));
  }
  return given;
}

Result<> read_network(Options const& options, machine::Definition& definition) {
  BH_TRY(read_networks(options, definition));
  for (auto const& text : options.values("--publish")) {
    auto port = net::PublishedPort::parse(text);
    if (!port) return std::unexpected(std::move(port).error().while_doing("--publish"));
    definition.ports.push_back(*port);
  }
  bool const container = definition.isolation == machine::Isolation::Container;
  // Without root, and beside a user network, ports are published by that.
  bool const managed = ::geteuid() == 0 && definition.network == machine::NetworkKind::None;
  if (container && managed && definition.networks.empty() && !definition.ports.empty()) {
    definition.networks.push_back({.name = machine::kDefaultNetwork, .address = std::nullopt});
  }
  definition.rate_in = BH_TRY(rate(options, "--rate-in", definition));
  definition.rate_out = BH_TRY(rate(options, "--rate-out", definition));
  return {};
}

/// Managed networks need root, and one of them is made by whoever joins it first.
Result<> prepare_networks(machine::Store& machines, machine::Definition const& definition) {
  if (definition.networks.empty()) return {};
  BH_TRY(net::need_root());
  bool const in_default = std::ranges::count(definition.networks, machine::kDefaultNetwork,
                                             &machine::NetworkWish::name) != 0;
  return in_default ? machine::make_default_network(machines) : Result<>();
}

/// Empty if there is no place for it.
std::string usual_code_cache() {
  auto const folder = machine::cache_folder();
  return folder.empty() ? std::string() : (folder / "code").string();
}

/// Commands later may be given elsewhere.
std::string absolute(std::string const& path) {
  return path.empty() ? path : std::filesystem::absolute(path).string();
}

}  // namespace

Result<std::map<std::string, std::string>> labels_of(Options const& options) {
  std::map<std::string, std::string> labels;
  for (auto const& given : options.values("--label")) {
    auto const equals = given.find('=');
    if (equals == 0 || given.empty()) {
      return fail(Errc::Invalid, "--label \"" + given + "\": must be NAME=VALUE");
    }
    labels[given.substr(0, equals)] = equals == given.npos ? "" : given.substr(equals + 1);
  }
  return labels;
}

Result<std::vector<std::string>> variables_of(Options const& options) {
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

Result<std::optional<std::uint64_t>> memory_of(Options const& options) {
  return number(options, "--memory", kMostMemory);
}

Result<std::optional<std::uint64_t>> cpus_of(Options const& options) {
  return number(options, "--cpus", kMostCpus);
}

Result<machine::Definition> read_definition(Options const& options) {
  machine::Definition definition;
  if (options.has("--isolation")) {
    auto const isolation = BH_TRY(machine::parse_isolation(options.value("--isolation")));
    definition.isolation = isolation;
  }
  auto const memory = BH_TRY(memory_of(options));
  auto const cpus = BH_TRY(cpus_of(options));
  auto const environment = BH_TRY(variables_of(options));
  definition.memory_mib = memory;
  definition.cpus = cpus;
  definition.environment = environment;
  definition.working_folder = text(options, "--workdir");
  definition.user = text(options, "--user");
  definition.entrypoint = text(options, "--entrypoint");
  definition.host_name = options.value("--hostname");
  BH_TRY(read_network(options, definition));
  BH_TRY(read_mounts(options, definition));
  BH_TRY(read_log(options, definition));
  definition.terminal = options.has("--tty");
  definition.keep_input = options.has("--interactive");
  definition.remove_at_end = options.has("--rm");
  definition.labels = BH_TRY(labels_of(options));
  definition.disk_mib = BH_TRY(number(options, "--disk", kMostDisk));
  if (definition.disk_mib && definition.isolation == machine::Isolation::Container) {
    return fail(Errc::Unsupported,
                "--disk is for microVMs: what a container writes is limited by "
                "the host's file system only");
  }
  if (options.has("--restart")) {
    definition.restart = BH_TRY(machine::RestartPolicy::parse(options.value("--restart")));
  }
  if (options.has("--stop-signal")) {
    auto const number = machine::parse_signal(options.value("--stop-signal"));
    if (!number) return std::unexpected(number.error());
    definition.stop_signal = options.value("--stop-signal");
  }
  if (definition.remove_at_end && definition.restart.when != machine::RestartPolicy::When::No) {
    return fail(Errc::Invalid,
                "--rm and --restart exclude each other: a machine that is removed "
                "at its end cannot be started again");
  }
  return definition;
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

Result<os::OwnIds> own_container_ids() {
  auto ids = BH_TRY(os::own_ids());
  if (!ids.only_one.empty()) {
    fmt::print(stderr,
               "bulkhead: warning: all files of this container are root's, and it has no other "
               "users: {}\n",
               ids.only_one);
  }
  return ids;
}

Result<> enter_container_ids() {
  if (::geteuid() == 0) return {};
  auto const ids = BH_TRY(own_container_ids());
  return os::enter_user_namespace(ids);
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

Result<machine::Record> add_machine(machine::Store& machines, Options const& options,
                                    Lifetime lifetime) {
  auto words = options.words();
  if (words.empty()) return fail(Errc::Invalid, "an IMAGE is expected");
  auto definition = BH_TRY(read_definition(options));
  if (lifetime == Lifetime::OneRun) definition.remove_at_end = definition.keep_input = true;
  definition.image = words[0];
  words = words.subspan(1);
  if (!words.empty() && words[0] == "--") words = words.subspan(1);
  definition.command.assign(words.begin(), words.end());
  if (definition.isolation == machine::Isolation::Container && ::geteuid() != 0) {
    BH_TRY(own_container_ids());
  }
  BH_TRY(prepare_networks(machines, definition));
  auto const store = BH_TRY(open_store(options));
  // Until a name keeps the image.
  auto const adding = BH_TRY(store.begin_adding());
  auto const image = BH_TRY(get_image(store, definition.image, options));
  BH_TRY(machine::process_of(definition, image.config));
  definition.image_digest = image.entry.manifest.digest.text();
  BH_TRY(read_health(options, image.config.healthcheck, definition));
  if (definition.stop_signal.empty()) definition.stop_signal = image.config.stop_signal;
  if (definition.isolation == machine::Isolation::Microvm) {
    definition.microvm = BH_TRY(read_microvm_options(options));
    for (auto* const path :
         {&definition.microvm.kernel, &definition.microvm.init, &definition.microvm.code_cache}) {
      *path = absolute(*path);
    }
  }
  // From now on the machine's row keeps that name's line (image_users.h), if it is still there.
  auto const names = BH_TRY(image::lock_names(store));
  BH_TRY(image::find_image(store, definition.image_digest));
  return machines.add(definition, std::string(options.value("--name")));
}

}  // namespace bh::cli
