#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>

#include "container/cli/command.h"
#include "container/cli/report.h"
#include "jail/own_binary.h"

namespace bh::container {

namespace {

constexpr Option kGlobal[] = {
    {"root"},
    {"log"},
    {"log-format"},
    {"cgroup-manager"},
    {"debug", 0, false},
    {"systemd-cgroup", 0, false},
    {"help", 'h', false},
    {"version", 'v', false},
    {"log-level"},
    {"rootless"},
};

void print(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t const count = ::write(fd, text.data(), text.size());
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

void print_help() {
  std::string text =
      "Usage: bulkhead-oci [--root DIR] [--log FILE] [--log-format text|json]\n"
      "                    [--cgroup-manager cgroupfs|systemd|disabled] COMMAND ...\n\n"
      "Runs containers as the OCI runtime specification says.\n\n";
  for (auto const* const command : commands()) {
    std::string line = "  " + std::string(command->name) + " " + std::string(command->words);
    line.resize(std::max<std::size_t>(line.size() + 1, 26), ' ');
    text += line + std::string(command->help) + "\n";
  }
  print(STDOUT_FILENO, text +
                           "\nCOMMAND --help shows the options of one.\n\n"
                           "Example:\n  bulkhead-oci run --bundle /run/bundles/web web\n");
}

void print_command_help(Command const& command) {
  std::string text = "Usage: bulkhead-oci " + std::string(command.name) + " [options] " +
                     std::string(command.words) + "\n\n" + std::string(command.help) + "\n\n";
  for (auto const& option : command.options) {
    text += "  --" + std::string(option.name) + (option.takes_value ? " VALUE" : "");
    if (option.letter != 0) text += std::string(", -") + option.letter;
    text += "\n";
  }
  text += "\nExample:\n  " + std::string(command.example) + "\n";
  print(STDOUT_FILENO, text);
}

Result<int> run_command(Command const& command, Arguments const& global,
                        Arguments const& arguments) {
  auto const manager = global.value_or("cgroup-manager", "cgroupfs");
  if (manager != "cgroupfs" && manager != "systemd" && manager != "disabled") {
    return fail(Errc::Invalid,
                "--cgroup-manager: \"" + manager + "\" is none of cgroupfs, systemd, disabled");
  }
  auto proc = BH_TRY(jail::ProcDir::open());
  auto store = BH_TRY(Store::open(proc, global.value("root")));
  return command.run({.global = global,
                      .arguments = arguments,
                      .proc = std::move(proc),
                      .store = std::move(store)});
}

/// Whether the command has processes of ours enter a container.
bool enters_container(std::string_view name) {
  return name == "run" || name == "create" || name == "exec";
}

}  // namespace

Result<int> preserved_descriptors(Arguments const& arguments) {
  // More than any process may have open.
  constexpr std::int64_t kMost = 1 << 20;
  auto const named = BH_TRY(arguments.number("preserve-fds"));
  std::int64_t count = named.value_or(0);
  if (char const* const listen = std::getenv("LISTEN_FDS")) {
    std::int64_t activated = 0;
    std::string_view const text = listen;
    std::from_chars(text.data(), text.data() + text.size(), activated);
    if (activated > 0 && activated < kMost) count += activated;
  }
  if (named.value_or(0) >= 0 && count <= kMost) return static_cast<int>(count);
  return fail(Errc::Invalid, "--preserve-fds: from 0 to " + std::to_string(kMost));
}

Result<std::string> Invocation::id() const {
  if (arguments.words().empty()) return fail(Errc::Invalid, "the id of a container is missing");
  return arguments.words()[0];
}

std::span<Command const* const> commands() {
  static constexpr Command const* kAll[] = {
      &kCreateCommand,     &kRunCommand,    &kStartCommand,  &kStateCommand,    &kKillCommand,
      &kDeleteCommand,     &kExecCommand,   &kPsCommand,     &kListCommand,     &kPauseCommand,
      &kResumeCommand,     &kUpdateCommand, &kEventsCommand, &kFeaturesCommand, &kSpecCommand,
      &kCheckpointCommand, &kRestoreCommand};
  return kAll;
}

int run_program(int argc, char** argv) {
  std::span<char* const> const words(argv + 1, argv + std::max(argc, 1));
  auto global = Arguments::parse(words, kGlobal, Arguments::Rest::Words);
  if (!global) {
    report_error(nullptr, global.error().message);
    return 1;
  }
  if (global->has("version")) {
    print(STDOUT_FILENO, "bulkhead-oci version " BULKHEAD_VERSION "\nspec: 1.2.0\n");
    return 0;
  }
  if (global->words().empty() || global->has("help") || global->words()[0] == "help") {
    print_help();
    return global->words().empty() && !global->has("help") ? 1 : 0;
  }
  for (auto const* const command : commands()) {
    if (command->name != global->words()[0]) continue;
    auto const rest = words.subspan(words.size() - global->words().size() + 1);
    for (auto const* const word : rest) {
      if (std::string_view(word) == "--help" && command->rest == Arguments::Rest::Options) {
        print_command_help(*command);
        return 0;
      }
    }
    auto arguments = Arguments::parse(rest, command->options, command->rest);
    if (!arguments) {
      report_error(&*global, arguments.error().message);
      return 1;
    }
    if (arguments->words().size() > command->most_words) {
      report_error(&*global, "unexpected \"" + arguments->words().back() + "\"; see --help");
      return 1;
    }
    auto const preserved = preserved_descriptors(*arguments);
    if (!preserved) {
      report_error(&*global, preserved.error().message);
      return 1;
    }
    // Descriptors a caller left open by mistake must not be there when a container's path is
    // followed.
    ::syscall(SYS_close_range, 3 + *preserved, ~0U, 0);
    if (enters_container(command->name)) {
      auto const detached = jail::detach_from_own_binary(argv);
      if (!detached) {
        report_error(&*global, detached.error().message);
        return 1;
      }
    }
    auto const status = run_command(*command, *global, *arguments);
    if (status) return *status;
    report_error(&*global, status.error().message);
    // As the others: 255 is no status of a program that failed by itself.
    return command->name == "exec" ? 255 : 1;
  }
  report_error(&*global, "unknown command " + global->words()[0] + "; see --help");
  return 1;
}

}  // namespace bh::container
