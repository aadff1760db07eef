#include "init/identity.h"

#include <grp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "init/accounts.h"
#include "init/arguments.h"
#include "init/file.h"
#include "init/report.h"

namespace bh::init {

namespace {

// read_file() gives its buffer away once; passwd and group are needed together.
std::array<char, Arguments::kMaxBytes> passwd_bytes;
std::array<char, 4096> home_bytes;

}  // namespace

bool become(std::string_view user) {
  auto const passwd_file = read_file("/etc/passwd").value_or(std::string_view{});
  auto const passwd_size = std::min(passwd_file.size(), passwd_bytes.size());
  std::memcpy(passwd_bytes.data(), passwd_file.data(), passwd_size);
  std::string_view const passwd(passwd_bytes.data(), passwd_size);
  auto const groups = read_file("/etc/group").value_or(std::string_view{});

  Account account;
  if (!find_account(user, passwd, groups, account)) {
    report(user, "is no user, or names no group, of the image");
    return false;
  }
  add_groups(groups, account);
  if (account.home.size() < home_bytes.size()) {
    std::memcpy(home_bytes.data(), account.home.data(), account.home.size());
    ::setenv("HOME", home_bytes.data(), 0);
  }
  if (::setgroups(account.group_count, account.groups.data()) == 0 && ::setgid(account.gid) == 0 &&
      ::setuid(account.uid) == 0) {
    return true;
  }
  report_errno("become", user, errno);
  return false;
}

}  // namespace bh::init
