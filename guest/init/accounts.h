#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace bh::init {

/// Who a command runs as, after passwd(5) and group(5) of the guest.
struct Account {
  static constexpr std::size_t kMaxGroups = 64;

  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string_view name;  // Empty if passwd has no line for the uid.
  std::string_view home = "/";
  std::array<std::uint32_t, kMaxGroups> groups{};  // Those that name it, and its own.
  std::size_t group_count = 0;
};

/// Makes `out` the account that "USER[:GROUP]" means, each a name or a number, without groups.
/// False: there is no such name. The account points into `passwd`.
bool find_account(std::string_view text, std::string_view passwd, std::string_view groups,
                  Account& out);

/// Fills in the groups that name the account.
void add_groups(std::string_view groups, Account& account);

}  // namespace bh::init
