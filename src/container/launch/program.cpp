#include "container/launch/program.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "container/launch/channel.h"
#include "os/descriptor.h"
#include "os/text_file.h"

namespace bh::container {

namespace {

constexpr std::size_t kPasswordLimit = std::size_t{1024} * 1024;

std::string variable(ProcessSpec const& process, std::string_view name) {
  for (auto const& entry : process.environment) {
    if (entry.starts_with(name) && entry.size() > name.size() && entry[name.size()] == '=') {
      return entry.substr(name.size() + 1);
    }
  }
  return {};
}

/// Nothing, or why the file is no program. The words are those engines look for.
Result<> check_program(jail::RootDir const& root, std::string const& path) {
  auto const file = BH_TRY(root.open(path, O_PATH));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail_errno("stat " + path, errno);
  if (S_ISDIR(status.st_mode)) {
    return fail(Errc::Denied, "exec: \"" + path + "\": is a directory: permission denied");
  }
  if (!S_ISREG(status.st_mode) || (status.st_mode & 0111U) == 0) {
    return fail(Errc::Denied, "exec: \"" + path + "\": permission denied");
  }
  return {};
}

std::vector<char*> pointers(std::vector<std::string> const& words) {
  std::vector<char*> out;
  // execve() does not change them; its type is older than const.
  for (auto const& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

/// With a folder of the host left open, a path like /proc/self/fd/7 would lead out of the root.
/// The kernel shows such a folder as unreachable.
Result<> enter_cwd(std::string const& path) {
  if (::chdir(path.c_str()) != 0) return fail_errno("chdir to the cwd " + path, errno);
  char now[4096];
  if (::syscall(SYS_getcwd, now, sizeof now) < 0 || now[0] != '/') {
    return fail(Errc::Denied, "the cwd " + path + " is not inside the container");
  }
  return {};
}

Result<> install_filter(ProgramStart& start) {
  if (start.seccomp == nullptr) return {};
  auto const listener = BH_TRY(start.seccomp->install());
  if (!listener.valid()) return {};
  BH_TRY(os::send_descriptor(start.seccomp_listener.get(), listener.get(), start.seccomp_state));
  start.seccomp_listener.reset();
  return {};
}

Result<> join_new_keyring(std::string const& name) {
  if (name.empty()) return {};
  if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name.c_str()) >= 0) return {};
  // Without keyrings in the kernel, or where a filter of the caller's forbids them, there is
  // nothing to keep apart.
  if (errno == ENOSYS || errno == EPERM || errno == EACCES) return {};
  return fail_errno("make a session keyring", errno);
}

/// What is set from outside of the process's own user.
Result<> set_attributes(ProcessSpec const& process, ProgramStart const& start,
                        jail::ProcDir const& proc) {
  BH_TRY(join_new_keyring(start.keyring));
  if (process.scheduler) BH_TRY(jail::set_scheduler(*process.scheduler));
  if (process.io_priority) BH_TRY(jail::set_io_priority(*process.io_priority));
  if (start.personality) BH_TRY(jail::set_personality(*start.personality));
  if (start.memory_policy) BH_TRY(jail::set_memory_policy(*start.memory_policy));
  if (!process.apparmor_profile.empty()) {
    BH_TRY(jail::set_apparmor_profile(proc, process.apparmor_profile));
  }
  if (!process.selinux_label.empty()) {
    BH_TRY(jail::set_selinux_label(proc, process.selinux_label));
  }
  return {};
}

/// A program that runs as somebody else should still be able to use what it was given.
void give_standard_files(std::uint32_t user) {
  struct stat null_device{};
  ::stat("/dev/null", &null_device);
  for (int const number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    struct stat status{};
    if (::fstat(number, &status) != 0 || status.st_uid == user) continue;
    if (S_ISCHR(status.st_mode) && status.st_rdev == null_device.st_rdev) continue;
    // Files of other file systems and users may refuse: they stay as they are.
    if (::fchown(number, user, static_cast<gid_t>(-1)) != 0) continue;
  }
}

/// Where a user without privileges has made the user namespace, or who has made ours.
jail::GroupsDenied groups_denied(jail::ProcDir const& proc) {
  auto const word = proc.read("self/setgroups");
  return word && word->starts_with("deny") ? jail::GroupsDenied::Keep : jail::GroupsDenied::Fail;
}

Result<> drop_privileges(ProcessSpec const& process, ProgramStart& start,
                         jail::GroupsDenied denied) {
  BH_TRY(jail::set_rlimits(process.rlimits));
  give_standard_files(process.user.uid);
  // A filter needs CAP_SYS_ADMIN, or that no program can gain a privilege.
  if (!process.no_new_privileges) BH_TRY(install_filter(start));
  auto const capabilities = process.capabilities.value_or(jail::CapabilitySets{});
  BH_TRY(jail::limit_capabilities(capabilities));
  BH_TRY(jail::set_user(process.user, denied));
  BH_TRY(jail::set_capabilities(capabilities));
  if (!process.no_new_privileges) return {};
  BH_TRY(jail::forbid_new_privileges());
  return install_filter(start);
}

Result<> prepare(ProcessSpec const& process, ProgramStart& start, jail::ProcDir proc,
                 std::optional<jail::RootDir> root) {
  BH_TRY(set_attributes(process, start, proc));
  auto const denied = groups_denied(proc);
  // No way to the host may be open when the first path of the container's choice is followed.
  {
    auto const closed = std::move(proc);
  }
  root.reset();
  // As root first: the user may not be allowed to enter what he is to work in.
  auto entered = enter_cwd(process.cwd);
  BH_TRY(drop_privileges(process, start, denied));
  if (!entered) entered = enter_cwd(process.cwd);
  if (!entered) return entered;
  // Signals that were blocked or ignored would stay so in the program.
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  if (::syscall(SYS_close_range, start.first_closed, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
    return fail_errno("close_range", errno);
  }
  return {};
}

}  // namespace

Result<std::string> program_path(jail::RootDir const& root, ProcessSpec const& process) {
  auto const& name = process.arguments[0];
  if (name.find('/') != name.npos) {
    // Relative to the working directory, as the kernel will take it.
    std::string const path = name.starts_with('/') ? name : process.cwd + "/" + name;
    auto checked = check_program(root, path);
    if (!checked && checked.error().code == Errc::NotFound) {
      return fail(Errc::NotFound,
                  "exec: \"" + name + "\": stat " + name + ": no such file or directory");
    }
    if (!checked) return std::unexpected(std::move(checked).error());
    return name;
  }
  std::string const path = variable(process, "PATH");
  std::optional<Error> refused;
  for (std::size_t start = 0; start <= path.size();) {
    auto end = path.find(':', start);
    if (end == path.npos) end = path.size();
    auto const folder = end == start ? std::string(".") : path.substr(start, end - start);
    std::string const candidate = folder + "/" + name;
    auto checked =
        check_program(root, folder.starts_with('/') ? candidate : process.cwd + "/" + candidate);
    if (checked) return candidate;
    if (checked.error().code == Errc::Denied) refused = std::move(checked).error();
    start = end + 1;
  }
  if (refused) return std::unexpected(std::move(*refused));
  return fail(Errc::NotFound, "exec: \"" + name + "\": executable file not found in $PATH");
}

std::string home_of(jail::RootDir const& root, std::uint32_t user) {
  auto const file = root.open("/etc/passwd", O_RDONLY | O_NONBLOCK);
  struct stat status{};
  if (!file || ::fstat(file->get(), &status) != 0 || !S_ISREG(status.st_mode)) return "/";
  auto const text = os::read_text(*file, kPasswordLimit);
  if (!text) return "/";
  // name:password:uid:gid:comment:home:shell
  std::string_view rest = *text;
  while (!rest.empty()) {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    std::string_view fields[6];
    for (auto& field : fields) {
      field = line.substr(0, line.find(':'));
      line.remove_prefix(std::min(field.size() + 1, line.size()));
    }
    if (fields[2] == std::to_string(user) && !fields[5].empty()) return std::string(fields[5]);
  }
  return "/";
}

Error become_program(ProcessSpec const& process, ProgramStart start, jail::ProcDir proc,
                     std::optional<jail::RootDir> root) {
  auto environment = process.environment;
  if (variable(process, "HOME").empty()) environment.push_back("HOME=" + start.home);
  auto const arguments = pointers(process.arguments);
  auto const variables = pointers(environment);
  auto prepared = prepare(process, start, std::move(proc), std::move(root));
  if (!prepared) return std::move(prepared).error();
  ::execve(start.path.c_str(), arguments.data(), variables.data());
  return fail_errno("exec " + process.arguments[0], errno).error();
}

}  // namespace bh::container
