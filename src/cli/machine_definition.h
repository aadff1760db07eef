#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "base/error.h"
#include "cli/command.h"
#include "cli/health_options.h"
#include "cli/image_options.h"
#include "cli/image_transfer.h"
#include "cli/log_options.h"
#include "cli/mount_options.h"
#include "image/image.h"
#include "machine/definition.h"
#include "machine/store/store.h"
#include "os/own_ids.h"

namespace bh::cli {

/// The options of both.
template <std::size_t N, std::size_t M>
constexpr std::array<Option, N + M> join(std::array<Option, N> const& first,
                                         std::array<Option, M> const& second) {
  std::array<Option, N + M> all;
  std::ranges::copy(first, all.begin());
  std::ranges::copy(second, all.begin() + N);
  return all;
}

/// How microVMs are started.
inline constexpr std::array kMicrovmOptions{
    Option{"--kernel", "FILE", "A microVM's kernel: vmlinux or bzImage, instead of ours"},
    Option{"--engine", "NAME", "auto (default), kvm or soft"},
    Option{"--translate", "MODE",
           "How the soft engine runs code: on (default), off, exact or compare"},
    Option{"--code-cache", "FILE",
           "Where the soft engine keeps translated code for the next run, or none"},
    Option{"--append", "ARGS", "More words for the kernel's command line"},
    Option{"--init", "FILE", "The static bulkhead-init, if it is not where it is looked for"},
};

/// What a machine shall be: options of `run` and `create`.
inline constexpr std::array kMachineOptions{
    Option{"--isolation", "HOW", "microvm (default): a kernel of its own; or container"},
    Option{"--memory", "MIB", "Memory; 256 for a microVM unless said", "-m"},
    Option{"--cpus", "N", "CPUs; 1 for a microVM unless said"},
    Option{"--env", "NAME=VALUE", "A variable; NAME alone takes ours; as often as needed", "-e"},
    Option{"--workdir", "DIR", "Where the command starts", "-w"},
    Option{"--user", "USER[:GROUP]", "Who it runs as", "-u"},
    Option{"--entrypoint", "PROGRAM", "Instead of the image's"},
    Option{"--hostname", "NAME", "The machine's own name"},
    Option{"--network", "NAME",
           "none (default), user: what this host reaches by its addresses, or one of `network "
           "create`; as often as needed"},
    Option{"--ip", "ADDRESS",
           "The machine's own in the network, instead of the first that is free"},
    Option{"--rate-in", "BYTES", "The most that the machine receives in a second"},
    Option{"--rate-out", "BYTES", "The most that it sends in a second"},
    Option{"--publish", "[ADDRESS:]HOST_PORT:PORT[/udp]",
           "A port of this host, on its loopback unless said, that leads to the machine's", "-p"},
    kVolumeOption,
    kMountOption,
    kTmpfsOption,
    kSecretOption,
    kReadOnlyOption,
    Option{"--tty", "", "Give the command a terminal", "-t"},
    Option{"--interactive", "", "Pass standard input on", "-i"},
    Option{"--name", "NAME", "What to call the machine; it is kept then"},
    Option{"--label", "NAME=VALUE", "A note for people and filters; as often as needed", "-l"},
    Option{"--restart", "POLICY", "no (default), on-failure[:N], always or unless-stopped"},
    kLivenessOption,
    kReadinessOption,
    kHealthCommandOption,
    kHealthIntervalOption,
    kHealthTimeoutOption,
    kHealthRetriesOption,
    kHealthStartOption,
    kNoHealthOption,
    Option{"--stop-signal", "SIGNAL", "What asks the command to end, instead of the image's"},
    kLogOption,
    Option{"--disk", "MIB",
           "What a microVM that is kept may write; 10240 unless said, and at least 32"},
    Option{"--rm", "", "Remove the machine when it ends"},
    Option{"--pull", "WHEN", "missing (default), never or always"},
    kRootOption,
    kInsecureOption,
    kCaFileOption,
    kCredsOption,
};
inline constexpr auto kDefinitionOptions = join(kMachineOptions, kMicrovmOptions);

/// What --label says.
Result<std::map<std::string, std::string>> labels_of(Options const& options);
/// What --env says.
Result<std::vector<std::string>> variables_of(Options const& options);
/// What --memory says, in MiB, and --cpus.
Result<std::optional<std::uint64_t>> memory_of(Options const& options);
Result<std::optional<std::uint64_t>> cpus_of(Options const& options);
Result<machine::Definition> read_definition(Options const& options);
Result<machine::MicrovmOptions> read_microvm_options(Options const& options);

/// The ids of containers without root. A warning is printed if that is one.
Result<os::OwnIds> own_container_ids();
/// Without root, this process becomes root of a user namespace with them.
Result<> enter_container_ids();

/// The image, fetched if it has to be.
Result<image::Image> get_image(image::Store const& store, std::string const& name,
                               Options const& options);

/// Whether a machine stays when it has ended: as options say, or as one of `run` that has nothing
/// to be found by.
enum class Lifetime : std::uint8_t { AsSaid, OneRun };

/// Makes a machine that is kept, of options and words: IMAGE [COMMAND...].
Result<machine::Record> add_machine(machine::Store& machines, Options const& options,
                                    Lifetime lifetime = Lifetime::AsSaid);

}  // namespace bh::cli
