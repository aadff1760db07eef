#include "net/host_port.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace bh::net {

namespace {

std::unexpected<Error> refuse(std::string const& words, int error) {
  if (error == EADDRINUSE) {
    return fail(Errc::Busy, words +
                                ": a program of the host listens there, or a machine has it; stop "
                                "it or take another port");
  }
  if (error == EADDRNOTAVAIL) return fail(Errc::Io, words + ": the host has no such address");
  return fail_errno(words, error);
}

/// What arrives all the same is nobody's.
int take_nothing(os::UniqueFd const& socket) {
  sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
  sock_fprog const filter{.len = 1, .filter = &nothing};
  return ::setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

}  // namespace

Result<os::UniqueFd> hold_port(PublishedPort const& port) {
  auto const words = fmt::format("publish {} port {} of {}", to_string(port.protocol),
                                 port.host_port, port.host_address.text());
  bool const tcp = port.protocol == Protocol::Tcp;
  os::UniqueFd socket(::socket(AF_INET, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return fail_errno(words + ": socket", errno);
  int const on = 1;
  // Connections that have ended do not count. Of datagrams it would let two have one port.
  if (tcp) (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port.host_port);
  address.sin_addr.s_addr = htonl(port.host_address.value);
  if (take_nothing(socket) != 0) return fail_errno(words + ": setsockopt", errno);
  bool taken =
      ::bind(socket.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0;
  // A bound socket that does not listen would let others have the port, too.
  if (taken && tcp) taken = ::listen(socket.get(), 0) == 0;
  if (!taken) return refuse(words, errno);
  return socket;
}

}  // namespace bh::net
