#include "jail/cgroup/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <ctime>
#include <memory>

#include "os/file.h"
#include "os/text_file.h"

namespace bh::jail {

namespace {

constexpr std::size_t kFileLimit = std::size_t{1024} * 1024;
constexpr long kWaitNanoseconds = 200'000;
constexpr int kWaits = 25'000;  // 5 seconds.

void wait_a_moment() {
  timespec const moment{.tv_sec = 0, .tv_nsec = kWaitNanoseconds};
  ::nanosleep(&moment, nullptr);
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

std::vector<std::string> folders_in(std::string const& path) {
  std::vector<std::string> names;
  std::unique_ptr<DIR, CloseFolder> const folder(::opendir(path.c_str()));
  while (folder) {
    auto const* const entry = ::readdir(folder.get());
    if (entry == nullptr) break;
    std::string_view const name = entry->d_name;
    if (entry->d_type == DT_DIR && name != "." && name != "..")
      names.push_back(path + "/" + entry->d_name);
  }
  return names;
}

bool is_blank(std::string const& text) {
  return text.find_first_not_of(" \n") == text.npos;
}

}  // namespace

Result<> inherit_cpuset(std::string const& folder) {
  std::string const parent = folder.substr(0, folder.rfind('/'));
  for (auto const* const file : {"/cpuset.cpus", "/cpuset.mems"}) {
    auto const now = BH_TRY(os::read_text_at(AT_FDCWD, folder + file, kFileLimit));
    if (!is_blank(now)) continue;
    auto const above = BH_TRY(os::read_text_at(AT_FDCWD, parent + file, kFileLimit));
    BH_TRY(os::write_text_at(AT_FDCWD, folder + file, above));
  }
  return {};
}

void enable_controllers(std::string const& folder) {
  auto const available = os::read_text_at(AT_FDCWD, folder + "/cgroup.controllers", kFileLimit);
  auto const enabled = os::read_text_at(AT_FDCWD, folder + "/cgroup.subtree_control", kFileLimit);
  if (!available || !enabled || *available == *enabled) return;
  std::string_view rest = *available;
  while (!rest.empty()) {
    auto const end = rest.find_first_of(" \n");
    auto const name = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    // One at a time: one that cannot be enabled must not keep the others from it.
    if (!name.empty()) {
      (void)os::write_text_at(AT_FDCWD, folder + "/cgroup.subtree_control",
                              "+" + std::string(name));
    }
  }
}

Result<> freeze_v1(std::string const& folder) {
  for (int i = 0; i < kWaits; ++i) {
    // FREEZING goes on only when asked again, if a process was just being made.
    BH_TRY(os::write_text_at(AT_FDCWD, folder + "/freezer.state", "FROZEN"));
    auto const state = BH_TRY(os::read_text_at(AT_FDCWD, folder + "/freezer.state", 64));
    if (state.starts_with("FROZEN")) return {};
    wait_a_moment();
  }
  (void)os::write_text_at(AT_FDCWD, folder + "/freezer.state", "THAWED");
  return fail(Errc::Timeout, folder + ": the processes did not freeze within 5 seconds");
}

Result<> freeze_v2(std::string const& folder) {
  BH_TRY(os::write_text_at(AT_FDCWD, folder + "/cgroup.freeze", "1"));
  auto const events = BH_TRY(os::open_file(folder + "/cgroup.events", O_RDONLY));
  for (int i = 0; i < 5; ++i) {
    char buffer[256];
    ssize_t const size = ::pread(events.get(), buffer, sizeof buffer, 0);
    if (size < 0) return fail_errno("read " + folder + "/cgroup.events", errno);
    std::string_view const text(buffer, static_cast<std::size_t>(size));
    if (keyed_number(text, "frozen") == 1) return {};
    // The kernel says POLLPRI when the file has changed.
    pollfd change{.fd = events.get(), .events = POLLPRI, .revents = 0};
    ::poll(&change, 1, 1000);
  }
  (void)os::write_text_at(AT_FDCWD, folder + "/cgroup.freeze", "0");
  return fail(Errc::Timeout, folder + ": the processes did not freeze within 5 seconds");
}

Result<> collect_processes(std::string const& folder, std::vector<pid_t>& out) {
  auto const text = BH_TRY(os::read_text_at(AT_FDCWD, folder + "/cgroup.procs", kFileLimit));
  char const* at = text.data();
  char const* const end = at + text.size();
  while (at < end) {
    pid_t pid = 0;
    auto const [next, error] = std::from_chars(at, end, pid);
    if (error == std::errc() && pid > 0) out.push_back(pid);
    at = next + 1;
  }
  for (auto const& below : folders_in(folder)) BH_TRY(collect_processes(below, out));
  return {};
}

Result<> remove_group(std::string const& folder) {
  for (int i = 0; i < kWaits; ++i) {
    if (::rmdir(folder.c_str()) == 0 || errno == ENOENT) return {};
    int const error = errno;
    if (error != EBUSY) return fail_errno("rmdir " + folder, error);
    for (auto const& below : folders_in(folder)) BH_TRY(remove_group(below));
    wait_a_moment();
  }
  return fail(Errc::Busy, "rmdir " + folder + ": processes are still in it");
}

std::uint64_t keyed_number(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    auto const line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() == text.size() ? line.size() : line.size() + 1);
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ' ') continue;
    std::uint64_t number = 0;
    std::from_chars(line.data() + key.size() + 1, line.data() + line.size(), number);
    return number;
  }
  return 0;
}

}  // namespace bh::jail
