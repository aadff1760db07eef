#include "os/process_identity.h"

#include <fcntl.h>

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

#include "os/text_file.h"

namespace bh::os {

namespace {

constexpr std::size_t kStatLimit = 64 << 10;

struct Stat {
  ProcessIdentity identity;
  char state = '?';
  unsigned long flags = 0;
};

template <typename T>
bool parse(std::string_view text, T& out) {
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

/// proc(5): "PID (NAME) STATE ...", where the name may hold anything.
Result<Stat> read_stat(std::string const& path) {
  auto const text = BH_TRY(read_text_at(AT_FDCWD, path, kStatLimit));
  auto const name_end = text.rfind(')');
  auto const pid_end = text.find(' ');
  Stat stat;
  if (name_end != text.npos && name_end + 2 < text.size() &&
      parse(std::string_view(text).substr(0, pid_end), stat.identity.pid)) {
    stat.state = text[name_end + 2];
    auto rest = std::string_view(text).substr(name_end + 2);
    constexpr int kFieldsBefore = 22 - 3;
    constexpr int kFieldsBeforeFlags = 9 - 3;
    for (int i = 0; i < kFieldsBefore; ++i) {
      if (i == kFieldsBeforeFlags) (void)parse(rest.substr(0, rest.find(' ')), stat.flags);
      auto const blank = rest.find(' ');
      rest.remove_prefix(blank == rest.npos ? rest.size() : blank + 1);
    }
    if (parse(rest.substr(0, rest.find(' ')), stat.identity.start_time)) return stat;
  }
  return fail(Errc::Corrupt, "read " + path + ": not what proc(5) says");
}

}  // namespace

Result<ProcessIdentity> identity_of(pid_t pid) {
  auto const stat = BH_TRY(read_stat("/proc/" + std::to_string(pid) + "/stat"));
  return stat.identity;
}

Result<ProcessIdentity> own_identity() {
  auto const stat = BH_TRY(read_stat("/proc/self/stat"));
  return stat.identity;
}

bool lives(ProcessIdentity const& process) {
  auto const stat = read_stat("/proc/" + std::to_string(process.pid) + "/stat");
  return stat && stat->identity == process && stat->state != 'Z' && stat->state != 'X';
}

bool is_dying(ProcessIdentity const& process) {
  // PF_EXITING of the kernel's include/linux/sched.h.
  constexpr unsigned long kExiting = 4;
  auto const folder = "/proc/" + std::to_string(process.pid);
  auto const stat = read_stat(folder + "/stat");
  if (!stat || stat->identity != process) return false;
  if ((stat->flags & kExiting) != 0) return true;
  // Killed, but it had no CPU since.
  auto const status = read_text_at(AT_FDCWD, folder + "/status", kStatLimit);
  constexpr std::string_view kPending = "SigPnd:\t";
  auto const at = status ? status->find(kPending) : std::string::npos;
  if (at == std::string::npos) return false;
  auto const mask = std::strtoull(status->c_str() + at + kPending.size(), nullptr, 16);
  return (mask >> (SIGKILL - 1) & 1) != 0;
}

}  // namespace bh::os
