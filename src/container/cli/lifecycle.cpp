#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "container/cli/command.h"
#include "container/create.h"
#include "container/json/writer.h"
#include "container/output.h"
#include "container/remove.h"
#include "container/signals.h"

namespace bh::container {

namespace {

struct Found {
  ContainerFolder folder;
  State state;
  Status status;
};

Result<Found> find(Invocation const& invocation) {
  auto const id = BH_TRY(invocation.id());
  auto folder = BH_TRY(invocation.store.find(id));
  auto state = BH_TRY(folder.state());
  auto const status = status_of(invocation.proc, folder, state);
  return Found{.folder = std::move(folder), .state = std::move(state), .status = status};
}

Result<int> start(Invocation invocation) {
  auto const id = BH_TRY(invocation.id());
  BH_TRY(start_container(invocation.proc, invocation.store, id));
  return 0;
}

Result<int> state(Invocation invocation) {
  auto const found = BH_TRY(find(invocation));
  BH_TRY(print(indented(state_json(found.state, found.status)) + "\n"));
  return 0;
}

/// Through a descriptor of the process that is known to be the one: its id may be another's by now.
Result<> signal_first(Invocation const& invocation, State const& state, int number) {
  os::UniqueFd const handle(static_cast<int>(::syscall(SYS_pidfd_open, state.pid, 0)));
  auto const times = process_times(invocation.proc, state.pid);
  if (!handle.valid() || !times || times->start_time != state.start_time) {
    return fail(Errc::NotFound, "container not running");
  }
  if (::syscall(SYS_pidfd_send_signal, handle.get(), number, nullptr, 0) != 0) {
    return fail_errno("signal " + std::to_string(number), errno);
  }
  return {};
}

Result<int> kill(Invocation invocation) {
  auto const found = BH_TRY(find(invocation));
  auto const& words = invocation.arguments.words();
  int const number = BH_TRY(parse_signal(words.size() > 1 ? words[1] : "TERM"));
  auto const group = jail::Cgroup::existing(found.state.cgroup);
  if (invocation.arguments.has("all") && !group.folders().empty()) {
    if (number == SIGKILL) {
      BH_TRY(group.kill_all());
      return 0;
    }
    auto const pids = BH_TRY(group.processes());
    for (auto const pid : pids) ::kill(pid, number);
    return 0;
  }
  if (found.status == Status::Stopped) return fail(Errc::NotFound, "container not running");
  BH_TRY(signal_first(invocation, found.state, number));
  // A process that the old freezer holds would get it only when it is thawed.
  if (number == SIGKILL && found.status == Status::Paused) BH_TRY(group.thaw());
  return 0;
}

Result<int> remove(Invocation invocation) {
  auto const id = BH_TRY(invocation.id());
  bool const force = invocation.arguments.has("force");
  auto folder = invocation.store.find(id);
  if (!folder && force && folder.error().code == Errc::NotFound) return 0;
  if (!folder) return std::unexpected(std::move(folder).error());
  auto state = folder->state();
  if (!state) {
    // Its maker was killed before there was a process to speak of.
    if (!force) return std::unexpected(std::move(state).error().while_doing("use --force: " + id));
    BH_TRY(remove_half_made(invocation.proc, invocation.store, *folder));
    return 0;
  }
  auto const status = status_of(invocation.proc, *folder, *state);
  if (status != Status::Stopped && status != Status::Created && !force) {
    return fail(Errc::Busy, "cannot delete container " + id +
                                " that is not stopped: " + std::string(status_name(status)));
  }
  BH_TRY(remove_container(invocation.proc, invocation.store, *folder, *state));
  return 0;
}

Result<int> pause(Invocation invocation) {
  auto const found = BH_TRY(find(invocation));
  if (found.status != Status::Running && found.status != Status::Created) {
    return fail(Errc::Busy,
                "cannot pause a container that is " + std::string(status_name(found.status)));
  }
  BH_TRY(jail::Cgroup::existing(found.state.cgroup).freeze());
  return 0;
}

Result<int> resume(Invocation invocation) {
  auto const found = BH_TRY(find(invocation));
  if (found.status != Status::Paused) {
    return fail(Errc::Busy,
                "cannot resume a container that is " + std::string(status_name(found.status)));
  }
  BH_TRY(jail::Cgroup::existing(found.state.cgroup).thaw());
  return 0;
}

Result<int> unsupported(Invocation) {
  return fail(Errc::Unsupported, "checkpoint and restore are not supported");
}

constexpr Option kNone[] = {{"help", 'h', false}};
constexpr Option kKill[] = {{"all", 'a', false}, {"help", 'h', false}};
constexpr Option kDelete[] = {{"force", 'f', false}, {"help", 'h', false}};
constexpr Option kCheckpoint[] = {{"image-path"},           {"work-path"},
                                  {"parent-path"},          {"leave-running", 0, false},
                                  {"bundle", 'b'},          {"pid-file"},
                                  {"console-socket"},       {"tcp-established", 0, false},
                                  {"file-locks", 0, false}, {"detach", 'd', false},
                                  {"ext-unix-sk", 0, false}};

}  // namespace

Command const kStartCommand = {.name = "start",
                               .words = "ID",
                               .help = "start a created container",
                               .example = "bulkhead-oci start web",
                               .options = kNone,
                               .run = start};
Command const kStateCommand = {.name = "state",
                               .words = "ID",
                               .help = "print the state as JSON",
                               .example = "bulkhead-oci state web",
                               .options = kNone,
                               .run = state};
Command const kKillCommand = {.name = "kill",
                              .words = "ID [SIGNAL]",
                              .help = "send a signal (TERM) to the first process, or to all",
                              .example = "bulkhead-oci kill web KILL",
                              .options = kKill,
                              .most_words = 2,
                              .run = kill};
Command const kDeleteCommand = {.name = "delete",
                                .words = "ID",
                                .help = "remove a stopped container",
                                .example = "bulkhead-oci delete --force web",
                                .options = kDelete,
                                .run = remove};
Command const kPauseCommand = {.name = "pause",
                               .words = "ID",
                               .help = "stop all processes for a while",
                               .example = "bulkhead-oci pause web",
                               .options = kNone,
                               .run = pause};
Command const kResumeCommand = {.name = "resume",
                                .words = "ID",
                                .help = "let them go on",
                                .example = "bulkhead-oci resume web",
                                .options = kNone,
                                .run = resume};
Command const kCheckpointCommand = {.name = "checkpoint",
                                    .words = "ID",
                                    .help = "not supported",
                                    .example = "bulkhead-oci checkpoint web",
                                    .options = kCheckpoint,
                                    .run = unsupported};
Command const kRestoreCommand = {.name = "restore",
                                 .words = "ID",
                                 .help = "not supported",
                                 .example = "bulkhead-oci restore web",
                                 .options = kCheckpoint,
                                 .run = unsupported};

}  // namespace bh::container
