#include "init/accounts.h"

#include <charconv>

namespace bh::init {

namespace {

/// Takes the part before the first `end` off the front of `rest`, and `end` with it.
std::string_view take(std::string_view& rest, char end) {
  auto const length = rest.find(end);
  auto const part = rest.substr(0, length);
  rest.remove_prefix(length == rest.npos ? rest.size() : length + 1);
  return part;
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // The last number means "none" to the kernel.
  bool const whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || value == ~std::uint32_t{0}) return std::nullopt;
  return value;
}

struct Group {
  std::string_view name;
  std::optional<std::uint32_t> gid;
  std::string_view members;
};

Group group_of(std::string_view line) {
  Group group;
  group.name = take(line, ':');
  take(line, ':');
  group.gid = number(take(line, ':'));
  group.members = take(line, ':');
  return group;
}

bool find_group(std::string_view text, std::string_view groups, std::uint32_t& gid) {
  while (!groups.empty()) {
    auto const group = group_of(take(groups, '\n'));
    if (group.gid && group.name == text && !text.empty()) {
      gid = *group.gid;
      return true;
    }
  }
  auto const given = number(text);
  if (given) gid = *given;
  return given.has_value();
}

}  // namespace

bool find_account(std::string_view text, std::string_view passwd, std::string_view groups,
                  Account& out) {
  auto const user = take(text, ':');
  auto const given = number(user);
  bool found = false;
  while (!passwd.empty() && !found) {
    auto line = take(passwd, '\n');
    auto const name = take(line, ':');
    take(line, ':');
    auto const uid = number(take(line, ':'));
    auto const gid = number(take(line, ':'));
    take(line, ':');
    auto const home = take(line, ':');
    if (!uid || !gid || name.empty() || (name != user && uid != given)) continue;
    out = {.uid = *uid, .gid = *gid, .name = name, .home = home.empty() ? "/" : home};
    found = true;
  }
  if (!found) {
    if (!given) return false;
    out = {.uid = *given};
  }
  return text.empty() || find_group(text, groups, out.gid);
}

void add_groups(std::string_view groups, Account& account) {
  account.groups[0] = account.gid;
  account.group_count = 1;
  while (!groups.empty() && account.group_count < account.groups.size()) {
    auto group = group_of(take(groups, '\n'));
    if (!group.gid || *group.gid == account.gid) continue;
    bool member = false;
    while (!group.members.empty()) {
      member |= !account.name.empty() && take(group.members, ',') == account.name;
      if (account.name.empty()) break;
    }
    if (member) account.groups[account.group_count++] = *group.gid;
  }
}

}  // namespace bh::init
