#include "init/vsock.h"

#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace bh::init {

namespace {

constexpr int kBacklog = 16;

sockaddr_vm address(unsigned cid, std::uint32_t port) {
  sockaddr_vm address{};
  address.svm_family = AF_VSOCK;
  address.svm_cid = cid;
  address.svm_port = port;
  return address;
}

int close_and_fail(int fd) {
  int const error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

}  // namespace

int listen_for_host(std::uint32_t port) {
  int const fd = ::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  auto const own = address(VMADDR_CID_ANY, port);
  if (::bind(fd, reinterpret_cast<sockaddr const*>(&own), sizeof own) != 0 ||
      ::listen(fd, kBacklog) != 0) {
    return close_and_fail(fd);
  }
  return fd;
}

int connect_to_host(std::uint32_t port) {
  int const fd = ::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  auto const host = address(VMADDR_CID_HOST, port);
  if (::connect(fd, reinterpret_cast<sockaddr const*>(&host), sizeof host) != 0 ||
      ::fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
    return close_and_fail(fd);
  }
  return fd;
}

}  // namespace bh::init
