#include "os/unix_socket.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace bh::os {

namespace {

// A queue of the length Rust's standard library, and so Firecracker, has.
constexpr int kBacklog = 128;

Result<sockaddr_un> address_of(std::string const& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path ||
      path.find('\0') != std::string::npos) {
    return fail(Errc::Invalid, "socket path \"" + path + "\": must be 1 to " +
                                   std::to_string(sizeof address.sun_path - 1) + " bytes");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Result<UniqueFd> make_socket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return fail_errno("socket", errno);
  return fd;
}

}  // namespace

Result<UniqueFd> listen_unix(std::string const& path) {
  auto const address = BH_TRY(address_of(path));
  auto fd = BH_TRY(make_socket());
  if (::bind(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
    return fail_errno("bind socket " + path, errno);
  }
  if (::listen(fd.get(), kBacklog) != 0) return fail_errno("listen on socket " + path, errno);
  return fd;
}

Result<UniqueFd> connect_unix(std::string const& path) {
  auto const address = BH_TRY(address_of(path));
  auto fd = BH_TRY(make_socket());
  if (::connect(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
    return fail_errno("connect to socket " + path, errno);
  }
  return fd;
}

}  // namespace bh::os
