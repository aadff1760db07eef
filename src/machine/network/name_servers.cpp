#include "machine/network/name_servers.h"

#include <fcntl.h>

#include <algorithm>

#include "net/address.h"
#include "os/text_file.h"

namespace bh::machine {

std::vector<std::string> name_servers_in(std::string_view text) {
  constexpr std::string_view kKeyword = "nameserver";
  constexpr std::string_view kBlanks = " \t\r";
  std::vector<std::string> servers;
  while (!text.empty()) {
    auto const end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.starts_with(kKeyword)) continue;
    line.remove_prefix(kKeyword.size());
    auto const first = line.find_first_not_of(kBlanks);
    if (first == line.npos || first == 0) continue;
    line = line.substr(first);
    auto const address = net::Ipv4Address::parse(line.substr(0, line.find_first_of(kBlanks)));
    if (address && !address->is_loopback()) servers.push_back(address->text());
  }
  return servers;
}

std::vector<std::string> host_name_servers() {
  constexpr std::size_t kMostBytes = std::size_t{64} * 1024;
  auto const text = os::read_text_at(AT_FDCWD, "/etc/resolv.conf", kMostBytes);
  return text ? name_servers_in(*text) : std::vector<std::string>();
}

}  // namespace bh::machine
