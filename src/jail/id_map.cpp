#include "jail/id_map.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "jail/capabilities.h"
#include "jail/process.h"
#include "os/child.h"
#include "os/text_file.h"

namespace bh::jail {

namespace {

constexpr std::uint64_t kIds = std::uint64_t{1} << 32;

bool overlap(std::uint64_t left, std::uint64_t right, IdMapping const& a, IdMapping const& b) {
  return left < right + b.count && right < left + a.count;
}

bool only_own_id(std::span<IdMapping const> mappings, std::uint32_t own) {
  return mappings.size() == 1 && mappings[0].count == 1 && mappings[0].outside == own;
}

Result<> run_helper(std::string const& program, pid_t pid, std::span<IdMapping const> mappings) {
  std::vector<std::string> arguments = {program, std::to_string(pid)};
  for (auto const& mapping : mappings) {
    arguments.push_back(std::to_string(mapping.inside));
    arguments.push_back(std::to_string(mapping.outside));
    arguments.push_back(std::to_string(mapping.count));
  }
  for (auto const* const folder : {"/usr/bin/", "/bin/", "/usr/local/bin/"}) {
    arguments[0] = folder + program;
    if (::access(arguments[0].c_str(), X_OK) != 0) continue;
    auto child = BH_TRY(os::Child::start(arguments));
    int const status = BH_TRY(child.wait());
    if (status == 0) return {};
    return fail(Errc::Denied, arguments[0] + " ended with status " + std::to_string(status) +
                                  " (does /etc/subuid or /etc/subgid give these ranges?)");
  }
  return fail(Errc::NotFound, "mapping more than one's own id needs " + program +
                                  " (Debian's package uidmap) or CAP_SETUID");
}

Result<> write_map(int proc, pid_t pid, std::string const& file, std::string const& helper,
                   std::span<IdMapping const> mappings, bool direct) {
  if (mappings.empty()) return {};
  if (!direct) return run_helper(helper, pid, mappings);
  return os::write_text_at(proc, std::to_string(pid) + "/" + file, id_map_text(mappings));
}

}  // namespace

std::string id_map_text(std::span<IdMapping const> mappings) {
  std::string text;
  for (auto const& mapping : mappings) {
    text += std::to_string(mapping.inside) + " " + std::to_string(mapping.outside) + " " +
            std::to_string(mapping.count) + "\n";
  }
  return text;
}

Result<> check_id_map(std::span<IdMapping const> mappings) {
  // user_namespaces(7): at most 340 lines.
  if (mappings.size() > 340) return fail(Errc::Invalid, "more than 340 ranges");
  for (std::size_t i = 0; i < mappings.size(); ++i) {
    auto const& a = mappings[i];
    if (a.count == 0) return fail(Errc::Invalid, "a range of no ids");
    if (a.inside + std::uint64_t{a.count} >= kIds || a.outside + std::uint64_t{a.count} >= kIds) {
      return fail(Errc::Invalid, "a range beyond the last id");
    }
    for (std::size_t j = 0; j < i; ++j) {
      auto const& b = mappings[j];
      if (overlap(a.inside, b.inside, a, b) || overlap(a.outside, b.outside, a, b)) {
        return fail(Errc::Invalid, "ranges overlap");
      }
    }
  }
  return {};
}

std::int64_t outside_id(std::span<IdMapping const> mappings, std::uint32_t inside) {
  for (auto const& mapping : mappings) {
    if (inside >= mapping.inside && inside - mapping.inside < mapping.count) {
      return std::int64_t{mapping.outside} + (inside - mapping.inside);
    }
  }
  return -1;
}

Result<> write_id_maps(int proc, pid_t pid, IdMaps const& maps) {
  bool const users = has_capability(CAP_SETUID) || only_own_id(maps.users, ::geteuid());
  bool const groups = has_capability(CAP_SETGID) || only_own_id(maps.groups, ::getegid());
  if (groups && !has_capability(CAP_SETGID) && !maps.groups.empty()) {
    // user_namespaces(7): the price of mapping one's own group without a privilege.
    BH_TRY(os::write_text_at(proc, std::to_string(pid) + "/setgroups", "deny"));
  }
  BH_TRY(write_map(proc, pid, "gid_map", "newgidmap", maps.groups, groups));
  return write_map(proc, pid, "uid_map", "newuidmap", maps.users, users);
}

bool in_user_namespace(ProcDir const& proc) {
  auto const map = proc.read("self/uid_map");
  if (!map) return false;  // A kernel without user namespaces.
  std::uint64_t numbers[3] = {};
  char const* at = map->data();
  char const* const end = at + map->size();
  for (auto& number : numbers) {
    while (at < end && *at == ' ') ++at;
    at = std::from_chars(at, end, number).ptr;
  }
  // user_namespaces(7): the first namespace, and no other, maps every id to itself.
  return numbers[0] != 0 || numbers[1] != 0 || numbers[2] != 4294967295;
}

Result<os::UniqueFd> make_user_namespace(int proc, IdMaps const& maps) {
  auto process = BH_TRY(Process::clone({.flags = CLONE_NEWUSER}));
  if (process.in_child()) {
    ::pause();
    ::_exit(0);
  }
  BH_TRY(write_id_maps(proc, process.pid(), maps));
  return os::open_at(proc, std::to_string(process.pid()) + "/ns/user", O_RDONLY);
}

}  // namespace bh::jail
