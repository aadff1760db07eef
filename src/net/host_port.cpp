#include "net/host_port.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "os/unique_fd.h"

namespace bh::net {

Result<> check_free(PublishedPort const& port) {
  auto const words = fmt::format("publish {} port {} of {}", to_string(port.protocol),
                                 port.host_port, port.host_address.text());
  bool const tcp = port.protocol == Protocol::Tcp;
  os::UniqueFd const socket(::socket(AF_INET, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return fail_errno(words + ": socket", errno);
  int const on = 1;
  // Connections that have ended do not count. Of datagrams it would let two have one port.
  if (tcp) (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port.host_port);
  address.sin_addr.s_addr = htonl(port.host_address.value);
  if (::bind(socket.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0) {
    return {};
  }
  if (errno == EADDRINUSE) {
    return fail(Errc::Busy, words +
                                ": a program of the host listens there; stop it or take "
                                "another port");
  }
  if (errno == EADDRNOTAVAIL) {
    return fail(Errc::Io, words + ": the host has no such address");
  }
  return fail_errno(words, errno);
}

}  // namespace bh::net
