#include "container/create.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "container/hooks.h"
#include "container/init.h"
#include "container/launch/channel.h"
#include "os/id_map.h"
#include "os/text_file.h"

namespace bh::container {

namespace {

/// The namespaces that come with the process; it makes the others itself while we go on.
std::uint64_t clone_flags(Launch const& launch) {
  std::uint64_t flags = 0;
  for (std::uint64_t const flag : {CLONE_NEWUSER, CLONE_NEWPID}) {
    if (launch.spec.os.makes(flag)) flags |= flag;
  }
  return flags;
}

/// Whether the process has to wait for something only the runtime can do from outside.
bool needs_help(Launch const& launch) {
  return launch.spec.os.makes(CLONE_NEWUSER);
}

bool joins_first(Launch const& launch) {
  return launch.joins(CLONE_NEWUSER) || launch.joins(CLONE_NEWPID);
}

/// Makes the process from inside namespaces that only children of who joins them are in.
Result<jail::Process> clone_from_inside(Launch& launch, Channel& ours, Channel& theirs) {
  auto between = BH_TRY(jail::Process::clone({}));
  if (between.in_child()) {
    ours.close();
    auto made = enter_and_clone(launch, clone_flags(launch));
    if (!made) {
      theirs.send_error(made.error());
      ::_exit(1);
    }
    if (made->in_child()) return std::move(*made);
    pid_t const pid = made->let_go();
    ssize_t const sent = ::send(theirs.fd(), &pid, sizeof pid, MSG_NOSIGNAL);
    ::_exit(sent == sizeof pid ? 0 : 1);
  }
  pid_t pid = 0;
  char message[4096];
  ssize_t const size = ::recv(ours.fd(), message, sizeof message, 0);
  (void)between.wait();
  if (size == sizeof pid) {
    __builtin_memcpy(&pid, message, sizeof pid);
    return jail::Process::adopt(pid);
  }
  if (size > 1) return fail(Errc::Io, {message + 2, static_cast<std::size_t>(size) - 2});
  return fail(Errc::Io, "the process that joins the namespaces ended early");
}

Result<jail::Process> make_process(Launch& launch, Channel& ours, Channel& theirs) {
  if (joins_first(launch)) {
    return clone_from_inside(launch, ours, theirs);
  }
  auto const unified = launch.cgroup_unified.get();
  auto process = jail::Process::clone({.flags = clone_flags(launch), .cgroup = unified});
  if (process || unified < 0 || process.error().code == Errc::Denied) return process;
  // A group that is full or of another type, or a kernel before 5.7.
  auto outside = jail::Process::clone({.flags = clone_flags(launch)});
  if (outside && !outside->in_child()) BH_TRY(launch.cgroup->enter(outside->pid()));
  return outside;
}

Result<> set_oom_score(Launch const& launch, pid_t pid) {
  if (!launch.spec.process || !launch.spec.process->oom_score_adj) return {};
  return launch.proc.write(std::to_string(pid) + "/oom_score_adj",
                           std::to_string(*launch.spec.process->oom_score_adj));
}

Result<> write_records(Launch& launch, pid_t pid) {
  auto const times = BH_TRY(process_times(launch.proc, pid));
  launch.state.start_time = times.start_time;
  BH_TRY(launch.folder->write_state(launch.state));
  if (launch.options.pid_file.empty()) return {};
  return os::replace_text_at(AT_FDCWD, launch.options.pid_file, std::to_string(pid));
}

/// The runtime's part of the talk with the process. See init.cpp for the other.
Result<> guide(Launch& launch, Plan& plan, pid_t pid, Channel& channel, Start start) {
  if (needs_help(launch)) {
    BH_TRY(os::write_id_maps(launch.proc.fd(), pid, launch.spec.os.id_maps));
    BH_TRY(channel.send_ready());
  }
  launch.state.pid = pid;
  BH_TRY(plan.run(Phase::Confine));
  if (launch.cgroup) {
    auto const* const unified = launch.cgroup->unified();
    if (unified != nullptr && joins_first(launch)) {
      BH_TRY(os::write_text_at(AT_FDCWD, unified->path + "/cgroup.procs", std::to_string(pid)));
    }
    launch.state.cgroup = launch.cgroup->folders();
  }
  BH_TRY(set_oom_score(launch, pid));
  BH_TRY(write_records(launch, pid));
  BH_TRY(channel.send_ready(launch.cgroup_entrances));
  launch.cgroup_entrances.clear();
  auto const& hooks = launch.spec.hooks;
  if (visits(launch.spec)) {
    BH_TRY(channel.wait_ready());
    BH_TRY(plan.run(Phase::Furnish));
    auto const state = state_json(launch.state, Status::Creating);
    BH_TRY(run_hooks("prestart", hooks.prestart, state));
    BH_TRY(run_hooks("createRuntime", hooks.create_runtime, state));
    BH_TRY(channel.send_ready());
  }
  if (start == Start::OnCommand) return channel.wait_ready();
  // The program has started when the descriptor of the process is gone.
  auto const answer = BH_TRY(channel.receive());
  if (answer != Channel::Answer::Closed)
    return fail(Errc::Io, "the container's process is confused");
  return run_hooks("poststart", hooks.poststart, state_json(launch.state, Status::Running));
}

/// An error that says why when the kernel ended the process before it could.
Error with_reason(Launch const& launch, Error error) {
  if (launch.cgroup && launch.cgroup->oom_kills() > 0) {
    auto const& limit = launch.spec.os.resources.memory.limit;
    error.message +=
        " (the kernel's OOM killer ended it: the memory limit of " +
        (limit ? std::to_string(*limit) + " bytes" : std::string("its control group")) +
        " is too small to start)";
  }
  return error;
}

}  // namespace

Result<jail::Process> create_container(Launch& launch, Plan& plan, Start start) {
  // Nobody inside may look into a process that still holds descriptors of the host. Without root it
  // is too early: the files of /proc that we must write for the process would not be ours.
  if (launch.privileged) ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  auto const undo = [&](Error error) {
    error = with_reason(launch, std::move(error));
    plan.undo();
    return std::unexpected(std::move(error));
  };
  auto prepared = plan.run(Phase::Prepare);
  if (!prepared) return undo(std::move(prepared).error());
  if (start == Start::OnCommand) {
    auto socket = launch.folder->listen();
    if (!socket) return undo(std::move(socket).error());
    launch.start_socket = std::move(*socket);
  }
  auto ends = Channel::create();
  if (!ends) return undo(std::move(ends).error());
  auto& [ours, theirs] = *ends;
  auto process = make_process(launch, ours, theirs);
  if (!process) return undo(std::move(process).error().while_doing("make the process"));
  if (process->in_child()) {
    ours.close();
    run_init(launch, plan, std::move(theirs), needs_help(launch), start);
  }
  theirs.close();
  auto guided = guide(launch, plan, process->pid(), ours, start);
  if (!guided) {
    // What the process says is the cause; that we could not talk to it is not.
    auto error = ours.sent_error_or(std::move(guided).error());
    // Before the control group goes, its process must.
    {
      auto const ended = std::move(*process);
    }
    return undo(std::move(error));
  }
  plan.keep();
  return std::move(*process);
}

Result<> start_container(jail::ProcDir const& proc, Store const& store, std::string const& id) {
  auto const folder = BH_TRY(store.find(id));
  auto const state = BH_TRY(folder.state());
  auto const status = status_of(proc, folder, state);
  if (status != Status::Created) {
    return fail(Errc::Busy,
                "cannot start a container in the " + std::string(status_name(status)) + " state");
  }
  auto const config = BH_TRY(folder.config());
  auto const spec = BH_TRY(parse_spec(config));
  if (!spec.process) return fail(Errc::Invalid, "config.json has no process to start");
  auto socket = BH_TRY(folder.connect());
  folder.stop_listening();
  Channel channel(std::move(socket));
  auto const answer = BH_TRY(channel.receive());
  if (answer != Channel::Answer::Closed)
    return fail(Errc::Io, "the container's process is confused");
  auto hooks = run_hooks("poststart", spec.hooks.poststart, state_json(state, Status::Running));
  if (!hooks) {
    // Since 1.3 of the specification a container does not outlive a poststart hook that failed.
    (void)jail::Cgroup::existing(state.cgroup).kill_all();
    ::kill(state.pid, SIGKILL);
  }
  return hooks;
}

}  // namespace bh::container
