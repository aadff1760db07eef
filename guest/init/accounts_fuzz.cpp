#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "init/accounts.h"

// The input is "USER[:GROUP]", passwd and group, with NUL between.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<char const*>(data), size);
  std::string_view parts[3];
  for (auto& part : parts) {
    auto const length = rest.find('\0');
    part = rest.substr(0, length);
    rest.remove_prefix(length == rest.npos ? rest.size() : length + 1);
  }
  bh::init::Account account;
  if (!bh::init::find_account(parts[0], parts[1], parts[2], account)) return 0;
  bh::init::add_groups(parts[2], account);
  if (account.group_count == 0 || account.group_count > account.groups.size()) std::abort();
  return 0;
}
