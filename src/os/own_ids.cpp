#include "os/own_ids.h"

#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>

#include "os/text_file.h"

namespace bh::os {

namespace {

bool number_of(std::string_view text, std::uint32_t& out) {
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

/// Empty if nobody knows it.
std::string name_of(uid_t user) {
  std::array<char, std::size_t{16} * 1024> room{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(user, &entry, room.data(), room.size(), &found) != 0) return {};
  return found == nullptr ? std::string() : std::string(found->pw_name);
}

/// A file that is not there gives nobody anything.
std::vector<IdMapping> given_by(char const* path, std::string_view name, std::uint32_t id) {
  constexpr std::size_t kLimit = std::size_t{16} << 20;  // A line for each of 300,000 users.
  auto const text = read_text_at(AT_FDCWD, path, kLimit);
  return text ? subordinate_ids(*text, name, id) : std::vector<IdMapping>();
}

}  // namespace

std::vector<IdMapping> subordinate_ids(std::string_view text, std::string_view name,
                                       std::uint32_t id) {
  // user_namespaces(7): a map has 340 lines, and one is the user's own.
  constexpr std::size_t kMostRanges = 339;
  std::vector<IdMapping> ranges;
  std::uint64_t next = 1;
  while (!text.empty() && ranges.size() < kMostRanges) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    std::array<std::string_view, 3> fields;
    for (auto& field : fields) {
      field = line.substr(0, line.find(':'));
      line.remove_prefix(std::min(field.size() + 1, line.size()));
    }
    bool const ours = !fields[0].empty() && (fields[0] == name || fields[0] == std::to_string(id));
    IdMapping range{.inside = static_cast<std::uint32_t>(next)};
    if (!ours || !number_of(fields[1], range.outside) || !number_of(fields[2], range.count)) {
      continue;
    }
    ranges.push_back(range);
    // One that cannot be is left out, as one that overlaps others or ends too far up.
    if (check_id_map(ranges)) {
      next += range.count;
    } else {
      ranges.pop_back();
    }
  }
  return ranges;
}

Result<OwnIds> own_ids() {
  std::uint32_t const user = ::geteuid();
  std::uint32_t const group = ::getegid();
  OwnIds ids;
  ids.maps.users = {{.inside = 0, .outside = user, .count = 1}};
  ids.maps.groups = {{.inside = 0, .outside = group, .count = 1}};
  auto const name = name_of(user);
  auto const users = given_by("/etc/subuid", name, user);
  auto const groups = given_by("/etc/subgid", name, user);
  if (users.empty() || groups.empty()) {
    auto const who = name.empty() ? std::to_string(user) : name;
    ids.only_one = std::string(users.empty() ? "/etc/subuid" : "/etc/subgid") +
                   " gives no ids to " + who + " (root can: usermod --add-subuids 100000-165535 " +
                   "--add-subgids 100000-165535 " + who + ")";
  } else if (id_map_helper("newuidmap").empty() || id_map_helper("newgidmap").empty()) {
    ids.only_one = "newuidmap and newgidmap are not there (install the package uidmap)";
  }
  if (!ids.only_one.empty()) return ids;
  ids.maps.users.insert(ids.maps.users.end(), users.begin(), users.end());
  ids.maps.groups.insert(ids.maps.groups.end(), groups.begin(), groups.end());
  return ids;
}

}  // namespace bh::os
