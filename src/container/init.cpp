#include "container/init.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "container/hooks.h"
#include "container/json/writer.h"
#include "container/launch/program.h"
#include "jail/net/loopback.h"
#include "os/text_file.h"

namespace bh::container {

namespace {

Result<> become_inner_root() {
  if (::syscall(SYS_setresgid, 0, 0, 0) != 0 || ::syscall(SYS_setresuid, 0, 0, 0) != 0) {
    return fail_errno("become root of the user namespace (is 0 in uidMappings?)", errno);
  }
  return {};
}

/// The group that systemd has moved this process to.
Result<> find_unit(Launch& launch) {
  auto const mounts = BH_TRY(launch.proc.read("self/mountinfo"));
  auto const own = BH_TRY(launch.proc.read("self/cgroup"));
  auto const placed = jail::parse_hierarchies(mounts, own);
  if (auto const* const tree = placed.unified()) launch.cgroup->found(*tree, tree->own_path);
  return {};
}

/// Into the v1 groups. Without these, descriptors have come to none.
Result<> enter_control_group(Launch& launch, Channel& channel) {
  auto const entrances = BH_TRY(channel.wait_ready_with_descriptors());
  for (auto const& entrance : entrances) BH_TRY(os::write_text(entrance, "0"));
  // The process has a copy of what the runtime knew before it made the groups.
  if (!launch.cgroup) return {};
  if (launch.options.cgroups == CgroupManager::Systemd) return find_unit(launch);
  for (auto const& hierarchy : launch.hierarchies.all) {
    if (!hierarchy.unified) launch.cgroup->found(hierarchy, launch.group_path);
  }
  return {};
}

/// Those of config.json that are new and did not come with the process. Control groups and time
/// need more than that, see entry_steps.cpp.
Result<> make_namespaces(Launch const& launch) {
  std::uint64_t flags = 0;
  for (std::uint64_t const flag : {CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWNS}) {
    if (launch.spec.os.makes(flag)) flags |= flag;
  }
  if (flags != 0 && ::unshare(static_cast<int>(flags)) != 0) {
    return fail_errno("make the namespaces", errno);
  }
  if ((flags & CLONE_NEWNET) != 0) return jail::bring_up_loopback();
  return {};
}

Result<> join_namespaces(Launch const& launch) {
  for (auto const& joined : launch.joined) {
    if (joined.flag == CLONE_NEWUSER || joined.flag == CLONE_NEWPID) continue;
    BH_TRY(jail::join_namespace(joined));
  }
  return {};
}

std::string seccomp_state(Launch const& launch) {
  JsonWriter json;
  json.open('{').name("ociVersion").text(launch.spec.version).name("fds").open('[');
  json.text("seccompFd").close(']').name("pid").number(launch.state.pid).name("metadata");
  json.text(launch.spec.os.seccomp->listener_metadata).name("state");
  json.raw(state_json(launch.state, Status::Creating)).close('}');
  return json.str();
}

/// From the first moment until the container is as config.json wants it.
Result<> set_up(Launch& launch, Plan& plan, Channel& channel, bool needs_help) {
  if (::setsid() < 0) return fail_errno("setsid", errno);
  if (needs_help) BH_TRY(channel.wait_ready());
  if (launch.spec.os.makes(CLONE_NEWUSER)) {
    BH_TRY(become_inner_root());
  }
  // Again: changing the user made this process readable.
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  launch.state.pid = BH_TRY(launch.proc.own_pid());
  BH_TRY(join_namespaces(launch));
  BH_TRY(make_namespaces(launch));
  ::umask(0);
  BH_TRY(plan.run(Phase::Populate));
  BH_TRY(enter_control_group(launch, channel));
  BH_TRY(plan.run(Phase::Complete));
  if (visits(launch.spec)) {
    BH_TRY(channel.send_ready());
    BH_TRY(channel.wait_ready());
  }
  auto const state = state_json(launch.state, Status::Creating);
  BH_TRY(run_hooks("createContainer", launch.spec.hooks.create_container, state));
  return plan.run(Phase::Enter);
}

/// Waits until `start` connects. Its socket then takes the place of the runtime's.
Result<Channel> wait_for_start(Launch& launch, Channel channel) {
  BH_TRY(channel.send_ready());
  channel.close();
  int const fd = ::accept4(launch.start_socket.get(), nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) return fail_errno("wait for start", errno);
  launch.start_socket.reset();
  return Channel(os::UniqueFd(fd));
}

[[noreturn]] void give_up(Channel& channel, Error const& error) {
  channel.send_error(error);
  ::_exit(1);
}

[[noreturn]] void become(Launch& launch, Channel& channel) {
  if (!launch.spec.process) {
    give_up(channel, {Errc::Invalid, "config.json has no process to start"});
  }
  auto const& process = *launch.spec.process;
  auto hooks = run_hooks("startContainer", launch.spec.hooks.start_container,
                         state_json(launch.state, Status::Created));
  if (!hooks) give_up(channel, hooks.error());
  ProgramStart start;
  start.path = launch.program;
  start.home = home_of(*launch.root, process.user.uid);
  if (launch.seccomp) start.seccomp = &*launch.seccomp;
  start.seccomp_listener = std::move(launch.seccomp_listener);
  if (launch.seccomp && launch.seccomp->notifies()) start.seccomp_state = seccomp_state(launch);
  if (launch.options.new_keyring) start.keyring = "_ses." + launch.options.id;
  start.personality = launch.spec.os.personality;
  start.memory_policy = launch.spec.os.memory_policy;
  start.first_closed = 3 + launch.options.preserve_fds;
  give_up(channel, become_program(process, std::move(start), std::move(launch.proc),
                                  std::move(launch.root)));
}

}  // namespace

Result<jail::Process> enter_and_clone(Launch& launch, std::uint64_t flags) {
  for (auto const& joined : launch.joined) {
    if (joined.flag != CLONE_NEWUSER && joined.flag != CLONE_NEWPID) continue;
    BH_TRY(jail::join_namespace(joined));
    if (joined.flag == CLONE_NEWUSER) BH_TRY(become_inner_root());
  }
  return jail::Process::clone({.flags = flags | CLONE_PARENT});
}

void run_init(Launch& launch, Plan& plan, Channel channel, bool needs_help, Start start) {
  auto done = set_up(launch, plan, channel, needs_help);
  if (!done) give_up(channel, done.error());
  if (start == Start::AtOnce) become(launch, channel);
  auto started = wait_for_start(launch, std::move(channel));
  if (!started) ::_exit(1);
  become(launch, *started);
}

}  // namespace bh::container
