#include "container/exec.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "container/json/writer.h"
#include "container/launch/channel.h"
#include "container/launch/console.h"
#include "container/launch/program.h"
#include "jail/cgroup/cgroup.h"
#include "jail/seccomp.h"
#include "os/capability.h"
#include "os/descriptor.h"
#include "os/file.h"
#include "os/text_file.h"

namespace bh::container {

namespace {

/// What is made ready outside and used inside.
struct Entry {
  os::UniqueFd first;  // The container's first process.
  int flags = 0;       // Its namespaces that are not ours.
  std::vector<os::UniqueFd> cgroup_entrances;
  os::UniqueFd cgroup_unified;
  std::optional<jail::SeccompFilter> seccomp;
  os::UniqueFd seccomp_listener;
};

Result<os::UniqueFd> open_group_of(jail::ProcDir const& proc, pid_t pid) {
  auto const mounts = BH_TRY(proc.read("self/mountinfo"));
  auto const groups = BH_TRY(proc.read(std::to_string(pid) + "/cgroup"));
  auto const placed = jail::parse_hierarchies(mounts, groups);
  auto const* const tree = placed.unified();
  if (tree == nullptr) return os::UniqueFd();
  return os::open_file(tree->mount_point + tree->own_path, O_PATH | O_DIRECTORY);
}

Result<Entry> prepare(jail::ProcDir const& proc, ExecRequest const& request) {
  Entry entry;
  entry.first.reset(static_cast<int>(::syscall(SYS_pidfd_open, request.state.pid, 0)));
  if (!entry.first.valid()) return fail_errno("pidfd_open", errno);
  // Only now is it certain that the descriptor is the container's process and no later one.
  auto const times = BH_TRY(process_times(proc, request.state.pid));
  if (times.start_time != request.state.start_time) {
    return fail(Errc::NotFound, "cannot exec in a stopped container");
  }
  for (auto const& one : request.spec.os.namespaces) entry.flags |= static_cast<int>(one.flag);
  auto const group = jail::Cgroup::existing(request.state.cgroup);
  entry.cgroup_entrances = BH_TRY(group.entrances());
  auto const* unified = group.unified();
  if (request.group != nullptr) {
    auto inner = BH_TRY(request.group->entrances());
    for (auto& entrance : inner) entry.cgroup_entrances.push_back(std::move(entrance));
    if (request.group->unified() != nullptr) unified = request.group->unified();
  }
  if (unified != nullptr) {
    entry.cgroup_unified = BH_TRY(os::open_file(unified->path, O_PATH | O_DIRECTORY));
  }
  auto const& profile = request.spec.os.seccomp;
  if (profile) {
    auto filter = BH_TRY(jail::SeccompFilter::compile(*profile));
    entry.seccomp.emplace(std::move(filter));
    if (entry.seccomp->notifies()) {
      entry.seccomp_listener = BH_TRY(connect_to(profile->listener_path));
    }
  }
  return entry;
}

Result<> join(Entry const& entry, int flags) {
  if (flags == 0 || ::setns(entry.first.get(), flags) == 0) return {};
  return fail_errno("join the container's namespaces", errno);
}

std::string seccomp_state(ExecRequest const& request, pid_t pid) {
  JsonWriter json;
  json.open('{').name("ociVersion").text(request.state.version).name("fds").open('[');
  json.text("seccompFd").close(']').name("pid").number(pid).name("metadata");
  json.text(request.spec.os.seccomp->listener_metadata).name("state");
  json.raw(state_json(request.state, Status::Running)).close('}');
  return json.str();
}

/// In the new process: everything up to the program.
Error enter(jail::ProcDir& proc, ExecRequest& request, Entry& entry) {
  auto const& process = request.process;
  ProgramStart start;
  std::optional<jail::RootDir> root;
  auto const prepared = [&]() -> Result<> {
    if (::setsid() < 0) return fail_errno("setsid", errno);
    if (!process.exec_cpus_initial.empty()) {
      BH_TRY(jail::set_cpu_affinity(process.exec_cpus_initial));
    }
    for (auto const& entrance : entry.cgroup_entrances) BH_TRY(os::write_text(entrance, "0"));
    BH_TRY(join(entry, entry.flags & ~CLONE_NEWPID));
    if ((entry.flags & CLONE_NEWUSER) != 0 &&
        (::syscall(SYS_setresgid, 0, 0, 0) != 0 || ::syscall(SYS_setresuid, 0, 0, 0) != 0)) {
      return fail_errno("become root of the user namespace", errno);
    }
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    auto top = BH_TRY(os::open_file("/", O_PATH | O_DIRECTORY));
    root.emplace(std::move(top));
    if (process.terminal) {
      auto console = BH_TRY(Console::open(*root));
      if (process.console_size) BH_TRY(console.resize(*process.console_size));
      BH_TRY(os::send_descriptor(request.console_socket.get(), console.master(), "/dev/ptmx"));
      request.console_socket.reset();
      BH_TRY(console.take_over(process.user.uid));
    }
    if (!process.exec_cpus_final.empty()) {
      BH_TRY(jail::set_cpu_affinity(process.exec_cpus_final));
    }
    start.path = BH_TRY(program_path(*root, process));
    start.home = home_of(*root, process.user.uid);
    if (!entry.seccomp) return {};
    start.seccomp = &*entry.seccomp;
    if (!entry.seccomp->notifies()) return {};
    auto const pid = BH_TRY(proc.own_pid());
    start.seccomp_state = seccomp_state(request, pid);
    start.seccomp_listener = std::move(entry.seccomp_listener);
    return {};
  }();
  if (!prepared) return prepared.error();
  entry.first.reset();
  entry.cgroup_unified.reset();
  start.personality = request.spec.os.personality;
  start.memory_policy = request.spec.os.memory_policy;
  start.first_closed = 3 + request.preserve_fds;
  return become_program(process, std::move(start), std::move(proc), std::move(root));
}

/// Without rights over the host's own PID namespace, the container's must be joined from its user
/// namespace, by a process between.
Result<jail::Process> clone_between(Entry& entry, Channel& ours, Channel& theirs) {
  auto between = BH_TRY(jail::Process::clone({}));
  if (between.in_child()) {
    ours.close();
    auto joined = join(entry, entry.flags & (CLONE_NEWUSER | CLONE_NEWPID));
    auto made = joined ? jail::Process::clone({.flags = CLONE_PARENT})
                       : Result<jail::Process>(std::unexpected(joined.error()));
    if (!made) {
      theirs.send_error(made.error());
      ::_exit(1);
    }
    if (made->in_child()) {
      entry.flags &= ~(CLONE_NEWUSER | CLONE_NEWPID);
      return std::move(*made);
    }
    pid_t const pid = made->let_go();
    ::_exit(::send(theirs.fd(), &pid, sizeof pid, MSG_NOSIGNAL) == sizeof pid ? 0 : 1);
  }
  pid_t pid = 0;
  ssize_t const size = ::recv(ours.fd(), &pid, sizeof pid, 0);
  (void)between.wait();
  if (size != sizeof pid) return fail(Errc::Io, "cannot join the container's user namespace");
  return jail::Process::adopt(pid);
}

Result<jail::Process> make_process(jail::ProcDir const& proc, pid_t first, Entry& entry,
                                   Channel& ours, Channel& theirs) {
  if (!os::has_capability(CAP_SYS_ADMIN)) return clone_between(entry, ours, theirs);
  // Takes effect for the process that is made next.
  BH_TRY(join(entry, entry.flags & CLONE_NEWPID));
  auto process = jail::Process::clone({.flags = 0, .cgroup = entry.cgroup_unified.get()});
  if (process || process.error().code != Errc::Busy) return process;
  // The container has groups of its own below its group, as an init system makes them: no process
  // may be in one above them. The first one's is as good as its.
  auto const group = BH_TRY(open_group_of(proc, first));
  return jail::Process::clone({.flags = 0, .cgroup = group.get()});
}

}  // namespace

Result<jail::Process> exec_in_container(jail::ProcDir& proc, ExecRequest& request) {
  auto entry = BH_TRY(prepare(proc, request));
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  auto ends = BH_TRY(Channel::create());
  auto& [ours, theirs] = ends;
  auto process = BH_TRY(make_process(proc, request.state.pid, entry, ours, theirs));
  if (process.in_child()) {
    ours.close();
    auto const error = enter(proc, request, entry);
    theirs.send_error(error);
    ::_exit(1);
  }
  theirs.close();
  if (request.process.oom_score_adj) {
    BH_TRY(proc.write(std::to_string(process.pid()) + "/oom_score_adj",
                      std::to_string(*request.process.oom_score_adj)));
  }
  if (!request.pid_file.empty()) {
    BH_TRY(os::replace_text_at(AT_FDCWD, request.pid_file, std::to_string(process.pid())));
  }
  auto const answer = BH_TRY(ours.receive());
  if (answer != Channel::Answer::Closed) return fail(Errc::Io, "the new process is confused");
  return process;
}

}  // namespace bh::container
