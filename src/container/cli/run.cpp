#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>

#include "container/cli/command.h"
#include "container/cli/report.h"
#include "container/create.h"
#include "container/foreground.h"
#include "container/json/document.h"
#include "container/launch/channel.h"
#include "container/remove.h"
#include "os/descriptor.h"
#include "os/text_file.h"

namespace bh::container {

namespace {

constexpr Option kOptions[] = {
    {"bundle", 'b'},        {"config", 'f'},        {"console-socket"},
    {"pid-file"},           {"started-file"},       {"private-env"},
    {"preserve-fds"},       {"no-pivot", 0, false}, {"no-new-keyring", 0, false},
    {"detach", 'd', false}, {"keep", 0, false},     {"no-subreaper", 0, false},
    {"dry-run", 0, false},  {"help", 'h', false},
};

Result<std::string> absolute(std::string const& path) {
  char resolved[PATH_MAX];
  if (::realpath(path.c_str(), resolved) == nullptr) return fail_errno("bundle " + path, errno);
  return std::string(resolved);
}

Result<Launch> read_launch(Invocation& invocation) {
  auto const& arguments = invocation.arguments;
  Launch launch{.proc = std::move(invocation.proc), .store = &invocation.store};
  auto& options = launch.options;
  options.id = BH_TRY(invocation.id());
  BH_TRY(check_id(options.id));
  options.bundle = BH_TRY(absolute(arguments.value_or("bundle", ".")));
  options.console_socket = arguments.value_or("console-socket", "");
  options.pid_file = arguments.value_or("pid-file", "");
  options.preserve_fds = BH_TRY(preserved_descriptors(arguments));
  options.new_keyring = !arguments.has("no-new-keyring");
  if (invocation.global.value("cgroup-manager") == "disabled") {
    options.cgroups = CgroupManager::Disabled;
  }
  if (invocation.global.has("systemd-cgroup") ||
      invocation.global.value("cgroup-manager") == "systemd") {
    options.cgroups = CgroupManager::Systemd;
  }
  options.pivot = !arguments.has("no-pivot");
  std::string const path = arguments.value_or("config", options.bundle + "/config.json");
  launch.config = BH_TRY(os::read_text_at(AT_FDCWD, path, kDocumentLimit));
  auto spec = parse_spec(launch.config);
  if (!spec) return std::unexpected(std::move(spec).error().while_doing(path));
  launch.spec = std::move(*spec);
  if (!options.pivot && launch.spec.os.find(CLONE_NEWUSER) != nullptr) {
    return fail(Errc::Unsupported,
                "--no-pivot: in a user namespace the host's mounts cannot be "
                "unmounted, and would stay in reach");
  }
  if (launch.spec.process) {
    BH_TRY(add_private_environment(arguments, *launch.spec.process));
    bool const own = launch.spec.os.find(CLONE_NEWUSER) != nullptr;
    drop_ungrantable(invocation.global, own, *launch.spec.process);
  }
  auto& state = launch.state;
  state.id = options.id;
  state.version = launch.spec.version;
  state.bundle = options.bundle;
  state.created = timestamp();
  state.owner = ::geteuid();
  state.annotations = launch.spec.annotations;
  state.terminal = launch.spec.process && launch.spec.process->terminal;
  return launch;
}

int print_plan(Plan const& plan) {
  std::string text;
  for (auto const phase : {Phase::Prepare, Phase::Confine, Phase::Populate, Phase::Complete,
                           Phase::Furnish, Phase::Enter}) {
    for (auto const& step : plan.steps()) {
      if (step.phase != phase) continue;
      bool const outside = phase <= Phase::Confine || phase == Phase::Furnish;
      text += (outside ? "host       " : "container  ") + step.name + "\n";
    }
  }
  return ::write(STDOUT_FILENO, text.data(), text.size()) < 0 ? 1 : 0;
}

Result<> check_terminal(Launch const& launch, Arguments const& arguments, bool detached) {
  bool const socket = arguments.value("console-socket").has_value();
  if (socket && !launch.state.terminal) {
    return fail(Errc::Invalid, "--console-socket is given, but process.terminal is not true");
  }
  if (launch.state.terminal && detached && !socket) {
    return fail(Errc::Invalid, "a detached container with process.terminal needs --console-socket");
  }
  return {};
}

/// In the foreground the terminal's other end comes to ourselves.
Result<os::UniqueFd> own_console(Launch& launch) {
  if (!launch.state.terminal || !launch.options.console_socket.empty()) return os::UniqueFd();
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return fail_errno("socketpair", errno);
  }
  launch.console_socket.reset(ends[0]);
  return os::UniqueFd(ends[1]);
}

void report_oom(OomWatch& watch, Spec const& spec, Arguments const& global) {
  auto const kills = watch.kills();
  if (kills == 0) return;
  auto const& limit = spec.os.resources.memory.limit;
  report_error(&global, "the kernel's OOM killer ended " + std::to_string(kills) +
                            " of the container's processes" +
                            (limit ? " (memory limit " + std::to_string(*limit) + " bytes)" : ""));
}

Result<int> create(Invocation invocation) {
  auto launch = BH_TRY(read_launch(invocation));
  auto plan = make_plan(launch);
  if (invocation.arguments.has("dry-run")) return print_plan(plan);
  BH_TRY(check_terminal(launch, invocation.arguments, true));
  auto process = BH_TRY(create_container(launch, plan, Start::OnCommand));
  process.let_go();
  return 0;
}

Result<int> run(Invocation invocation) {
  bool const detached = invocation.arguments.has("detach");
  auto launch = BH_TRY(read_launch(invocation));
  auto plan = make_plan(launch);
  if (invocation.arguments.has("dry-run")) return print_plan(plan);
  if (!launch.spec.process) return fail(Errc::Invalid, "config.json has no process to run");
  BH_TRY(check_terminal(launch, invocation.arguments, detached));
  auto console_source = BH_TRY(own_console(launch));
  if (!detached) block_signals();
  auto process = BH_TRY(create_container(launch, plan, Start::AtOnce));
  launch.console_socket.reset();
  // For who waits until others can exec; not of the specification.
  if (auto const path = invocation.arguments.value("started-file")) {
    BH_TRY(os::replace_text_at(AT_FDCWD, *path, ""));
  }
  if (detached) {
    process.let_go();
    return 0;
  }
  os::UniqueFd console;
  if (console_source.valid()) console = BH_TRY(os::receive_descriptor(console_source.get()));
  std::optional<OomWatch> oom;
  if (launch.cgroup) oom.emplace(*launch.cgroup);
  int const status = BH_TRY(wait_in_foreground(process, std::move(console), oom ? &*oom : nullptr));
  if (oom) report_oom(*oom, launch.spec, invocation.global);
  if (!invocation.arguments.has("keep")) {
    BH_TRY(remove_container(launch.proc, invocation.store, *launch.folder, launch.state));
  }
  return status;
}

}  // namespace

Command const kCreateCommand = {.name = "create",
                                .words = "ID",
                                .help = "make a container whose process waits for start",
                                .example = "bulkhead-oci create --bundle /run/bundles/web web",
                                .options = kOptions,
                                .run = create};
Command const kRunCommand = {.name = "run",
                             .words = "ID",
                             .help = "make a container, start it, and remove it when it ends",
                             .example = "bulkhead-oci run --bundle /run/bundles/web web",
                             .options = kOptions,
                             .run = run};

}  // namespace bh::container
