#include "net/host_name_servers.h"

#include <arpa/inet.h>
#include <fcntl.h>

#include <algorithm>
#include <iterator>

#include "net/address.h"
#include "os/text_file.h"

namespace bh::net {

namespace {

bool is_address(std::string const& text) {
  in6_addr address{};
  // An address of one link has the name of a device behind it.
  return Ipv4Address::parse(text) ||
         ::inet_pton(AF_INET6, text.substr(0, text.find('%')).c_str(), &address) == 1;
}

}  // namespace

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
    std::string const server(line.substr(0, line.find_first_of(kBlanks)));
    if (is_address(server)) servers.push_back(server);
  }
  return servers;
}

std::vector<std::string> host_name_servers() {
  constexpr std::size_t kMostBytes = std::size_t{64} * 1024;
  auto const text = os::read_text_at(AT_FDCWD, "/etc/resolv.conf", kMostBytes);
  return text ? name_servers_in(*text) : std::vector<std::string>();
}

std::vector<std::string> name_servers_for_machines(std::vector<std::string> const& servers) {
  std::vector<std::string> some;
  std::ranges::copy_if(servers, std::back_inserter(some), [](std::string const& one) {
    auto const address = Ipv4Address::parse(one);
    return address && !address->is_loopback();
  });
  return some;
}

}  // namespace bh::net
