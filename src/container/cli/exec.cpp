#include "container/exec.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <utility>

#include "container/cli/command.h"
#include "container/cli/report.h"
#include "container/foreground.h"
#include "container/json/document.h"
#include "container/launch/channel.h"
#include "os/descriptor.h"
#include "os/text_file.h"

namespace bh::container {

namespace {

constexpr Option kOptions[] = {
    {"process", 'p'},
    {"pid-file"},
    {"console-socket"},
    {"user", 'u'},
    {"cwd"},
    {"env", 'e'},
    {"private-env"},
    {"whole", 0, false},
    {"cap", 'c'},
    {"additional-gids", 'g'},
    {"apparmor"},
    {"process-label"},
    {"preserve-fds"},
    {"cgroup"},
    {"detach", 'd', false},
    {"tty", 't', false},
    {"no-new-privs", 0, false},
    {"ignore-paused", 0, false},
    {"no-subreaper", 0, false},
    {"help", 'h', false},
};

/// Digits and nothing else, and not the number that means "leave it" to the kernel.
Result<std::uint32_t> parse_user_number(std::string_view text) {
  std::uint32_t number = 0;
  auto const end = text.data() + text.size();
  auto const read = std::from_chars(text.data(), end, number);
  if (!text.empty() && read.ec == std::errc() && read.ptr == end && number != ~0U) return number;
  return fail(Errc::Invalid,
              "\"" + std::string(text) + "\" is no user or group: a number from 0 to 4294967294");
}

Result<> set_user(std::string_view text, jail::User& user) {
  auto const colon = text.find(':');
  user.uid = BH_TRY(parse_user_number(text.substr(0, colon)));
  if (colon != text.npos) user.gid = BH_TRY(parse_user_number(text.substr(colon + 1)));
  return {};
}

Result<> add_capability(std::string const& name, ProcessSpec& process) {
  auto const number = jail::capability_number(name);
  if (!number) return fail(Errc::Invalid, "--cap: \"" + name + "\" is no capability");
  auto& sets = process.capabilities ? *process.capabilities : process.capabilities.emplace();
  auto const bit = jail::CapabilityMask{1} << *number;
  sets.bounding |= bit;
  sets.effective |= bit;
  sets.permitted |= bit;
  return {};
}

/// The container's own process with what the command line says instead.
Result<ProcessSpec> process_of(Arguments const& arguments, Spec const& spec) {
  if (auto const file = arguments.value("process")) {
    auto const text = BH_TRY(os::read_text_at(AT_FDCWD, *file, kDocumentLimit));
    auto process = parse_process(text);
    if (!process) return std::unexpected(std::move(process).error().while_doing(*file));
    if (arguments.has("tty")) process->terminal = true;
    return process;
  }
  ProcessSpec process = spec.process.value_or(ProcessSpec{});
  auto const& words = arguments.words();
  if (words.size() < 2) return fail(Errc::Invalid, "exec needs a program, or --process FILE");
  process.arguments.assign(words.begin() + 1, words.end());
  process.terminal = arguments.has("tty");
  process.cwd = arguments.value_or("cwd", process.cwd.empty() ? "/" : process.cwd);
  if (!process.cwd.starts_with('/')) return fail(Errc::Invalid, "--cwd must begin with /");
  BH_TRY(add_private_environment(arguments, process));
  for (auto& entry : arguments.values("env")) process.environment.push_back(std::move(entry));
  if (auto const user = arguments.value("user")) BH_TRY(set_user(*user, process.user));
  for (auto const& group : arguments.values("additional-gids")) {
    auto const number = BH_TRY(parse_user_number(group));
    process.user.groups.push_back(number);
  }
  for (auto const& name : arguments.values("cap")) BH_TRY(add_capability(name, process));
  if (arguments.has("no-new-privs")) process.no_new_privileges = true;
  process.apparmor_profile = arguments.value_or("apparmor", process.apparmor_profile);
  process.selinux_label = arguments.value_or("process-label", process.selinux_label);
  return process;
}

/// A group for one exec, whose processes end with this object.
class WholeGroup {
 public:
  static Result<WholeGroup> make(State const& state) {
    auto const container = jail::Cgroup::existing(state.cgroup);
    // As without root: then its session is all that is known to be its.
    if (container.folders().empty()) return WholeGroup(jail::Cgroup::none());
    auto group = BH_TRY(container.make_inner("exec-" + std::to_string(::getpid())));
    return WholeGroup(std::move(group));
  }
  WholeGroup(WholeGroup&& other) noexcept
      : group_(std::exchange(other.group_, jail::Cgroup::none())) {}
  WholeGroup& operator=(WholeGroup&&) = delete;
  ~WholeGroup() {
    if (group_.folders().empty()) return;
    // Without cgroup.kill, somebody may be born while we look.
    constexpr int kTries = 100;
    for (int i = 0; i < kTries; ++i) {
      auto const left = group_.processes();
      if (!left || left->empty()) break;
      (void)group_.kill_all();
    }
    (void)group_.remove();
  }

  jail::Cgroup const& group() const { return group_; }

 private:
  explicit WholeGroup(jail::Cgroup group) : group_(std::move(group)) {}

  jail::Cgroup group_;
};

Result<int> exec(Invocation invocation) {
  auto const& arguments = invocation.arguments;
  auto const id = BH_TRY(invocation.id());
  auto const folder = BH_TRY(invocation.store.find(id));
  auto const state = BH_TRY(folder.state());
  auto const status = status_of(invocation.proc, folder, state);
  if (status == Status::Stopped) return fail(Errc::NotFound, "cannot exec in a stopped container");
  if (status == Status::Paused && !arguments.has("ignore-paused")) {
    return fail(Errc::Busy, "cannot exec in a paused container; resume it, or use --ignore-paused");
  }
  if (arguments.value("cgroup")) return fail(Errc::Unsupported, "--cgroup is not supported");
  auto const config = BH_TRY(folder.config());
  auto const spec = BH_TRY(parse_spec(config));
  ExecRequest request{.state = state, .spec = spec, .process = {}};
  request.process = BH_TRY(process_of(arguments, spec));
  drop_ungrantable(invocation.global, spec.os.find(CLONE_NEWUSER) != nullptr, request.process);
  request.pid_file = arguments.value_or("pid-file", "");
  request.preserve_fds = BH_TRY(preserved_descriptors(arguments));
  bool const detached = arguments.has("detach");
  os::UniqueFd console_source;
  if (request.process.terminal) {
    if (auto const path = arguments.value("console-socket")) {
      request.console_socket = BH_TRY(connect_to(*path));
    } else if (detached) {
      return fail(Errc::Invalid, "a detached process with a terminal needs --console-socket");
    } else {
      int ends[2];
      if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return fail_errno("socketpair", errno);
      }
      request.console_socket.reset(ends[0]);
      console_source.reset(ends[1]);
    }
  }
  if (!detached) block_signals();
  // Not of the specification: for commands that must leave nothing behind.
  std::optional<WholeGroup> whole;
  if (arguments.has("whole")) {
    auto made = BH_TRY(WholeGroup::make(state));
    request.group = &whole.emplace(std::move(made)).group();
  }
  auto process = BH_TRY(exec_in_container(invocation.proc, request));
  if (detached) {
    process.let_go();
    return 0;
  }
  request.console_socket.reset();
  os::UniqueFd console;
  if (console_source.valid()) console = BH_TRY(os::receive_descriptor(console_source.get()));
  int const code = BH_TRY(wait_in_foreground(process, std::move(console), nullptr, request.group));
  return code;
}

}  // namespace

Command const kExecCommand = {.name = "exec",
                              .words = "ID PROGRAM [ARGUMENT...]",
                              .help = "run another program in a container",
                              .example = "bulkhead-oci exec web ls /",
                              .options = kOptions,
                              .rest = Arguments::Rest::Words,
                              .most_words = static_cast<std::size_t>(-1),
                              .run = exec};

}  // namespace bh::container
