#include "init/loopback.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "init/report.h"

namespace bh::init {

void bring_up_loopback() {
  int const fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    if (errno != EAFNOSUPPORT && errno != ENOSYS) report_errno("socket", "for lo", errno);
    return;
  }
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  if (::ioctl(fd, SIOCGIFFLAGS, &request) != 0) {
    report_errno("find interface", "lo", errno);
  } else {
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    if (::ioctl(fd, SIOCSIFFLAGS, &request) != 0) report_errno("bring up interface", "lo", errno);
  }
  ::close(fd);
}

}  // namespace bh::init
