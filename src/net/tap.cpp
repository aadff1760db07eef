#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "net/links.h"
#include "os/file.h"

namespace bh::net {

Result<> add_tap(std::string const& name) {
  auto const file = BH_TRY(os::open_file("/dev/net/tun", O_RDWR));
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (::ioctl(file.get(), TUNSETIFF, &request) != 0) {
    // A machine has it.
    if (errno == EBUSY) return {};
    return fail_errno("make tap " + name, errno);
  }
  if (::ioctl(file.get(), TUNSETPERSIST, 1) != 0) return fail_errno("keep tap " + name, errno);
  return {};
}

}  // namespace bh::net
