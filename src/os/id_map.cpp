#include "os/id_map.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "os/capability.h"
#include "os/child.h"
#include "os/text_file.h"

namespace bh::os {

namespace {

constexpr std::uint64_t kIds = std::uint64_t{1} << 32;

bool overlap(std::uint64_t left, std::uint64_t right, IdMapping const& a, IdMapping const& b) {
  return left < right + b.count && right < left + a.count;
}

bool only_own_id(std::span<IdMapping const> mappings, std::uint32_t own) {
  return mappings.size() == 1 && mappings[0].count == 1 && mappings[0].outside == own;
}

Result<> run_helper(std::string const& name, pid_t pid, std::span<IdMapping const> mappings) {
  auto const program = id_map_helper(name);
  if (program.empty()) {
    return fail(Errc::NotFound, "mapping more than one's own id needs " + name +
                                    " (Debian's package uidmap) or CAP_SETUID");
  }
  std::vector<std::string> arguments = {program, std::to_string(pid)};
  for (auto const& mapping : mappings) {
    arguments.push_back(std::to_string(mapping.inside));
    arguments.push_back(std::to_string(mapping.outside));
    arguments.push_back(std::to_string(mapping.count));
  }
  auto child = BH_TRY(Child::start(arguments));
  int const status = BH_TRY(child.wait());
  if (status == 0) return {};
  return fail(Errc::Denied, program + " ended with status " + std::to_string(status) +
                                " (does /etc/subuid or /etc/subgid give these ranges?)");
}

Result<> write_map(int proc, pid_t pid, std::string const& file, std::string const& helper,
                   std::span<IdMapping const> mappings, bool direct) {
  if (mappings.empty()) return {};
  if (!direct) return run_helper(helper, pid, mappings);
  return write_text_at(proc, std::to_string(pid) + "/" + file, id_map_text(mappings));
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

Result<std::vector<IdMapping>> parse_id_map(std::string_view text) {
  std::vector<IdMapping> mappings;
  while (!text.empty()) {
    auto const line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    std::uint32_t numbers[3] = {};
    char const* at = line.data();
    char const* const end = at + line.size();
    for (auto& number : numbers) {
      while (at < end && *at == ' ') ++at;
      auto const [next, error] = std::from_chars(at, end, number);
      if (error != std::errc()) {
        return fail(Errc::Corrupt, "id map: \"" + std::string(line) + "\" is no range");
      }
      at = next;
    }
    mappings.push_back({.inside = numbers[0], .outside = numbers[1], .count = numbers[2]});
  }
  return mappings;
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
    BH_TRY(write_text_at(proc, std::to_string(pid) + "/setgroups", "deny"));
  }
  BH_TRY(write_map(proc, pid, "gid_map", "newgidmap", maps.groups, groups));
  return write_map(proc, pid, "uid_map", "newuidmap", maps.users, users);
}

std::string id_map_helper(std::string const& name) {
  for (auto const* const folder : {"/usr/bin/", "/bin/", "/usr/local/bin/"}) {
    if (::access((folder + name).c_str(), X_OK) == 0) return folder + name;
  }
  return {};
}

Result<IdMaps> own_id_maps() {
  constexpr std::size_t kLimit = std::size_t{64} * 1024;  // 340 lines of three numbers.
  auto const users = BH_TRY(read_text_at(AT_FDCWD, "/proc/self/uid_map", kLimit));
  auto const groups = BH_TRY(read_text_at(AT_FDCWD, "/proc/self/gid_map", kLimit));
  IdMaps maps;
  maps.users = BH_TRY(parse_id_map(users));
  maps.groups = BH_TRY(parse_id_map(groups));
  return maps;
}

bool are_mapped(IdMaps const& maps) {
  // user_namespaces(7): the first namespace, and no other, maps every id to itself.
  return maps.users != std::vector<IdMapping>{{.inside = 0, .outside = 0, .count = kIds - 1}};
}

}  // namespace bh::os
