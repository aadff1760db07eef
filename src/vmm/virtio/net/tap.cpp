#include "vmm/virtio/net/tap.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "os/file.h"
#include "vmm/virtio/net/layout.h"

namespace bh::vmm::virtio {

Result<std::unique_ptr<Tap>> Tap::open(std::string const& name, Worker& worker) {
  if (name.empty() || name.size() >= IFNAMSIZ) {
    return fail(Errc::Invalid,
                "tap \"" + name + "\": names have 1 to " + std::to_string(IFNAMSIZ - 1) + " bytes");
  }
  auto file = BH_TRY(os::open_file("/dev/net/tun", O_RDWR | O_NONBLOCK));
  ifreq request{};
  std::memcpy(request.ifr_name, name.data(), name.size());
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (::ioctl(file.get(), TUNSETIFF, &request) != 0)
    return fail_errno("attach to tap " + name, errno);
  int const size = sizeof(NetHeader);
  if (::ioctl(file.get(), TUNSETVNETHDRSZ, &size) != 0) {
    return fail_errno("TUNSETVNETHDRSZ of tap " + name, errno);
  }
  return std::unique_ptr<Tap>(new Tap(std::move(file), worker));
}

std::uint64_t Tap::features() const {
  return kNetChecksum | kNetGuestChecksum | kNetGuestTso4 | kNetGuestTso6 | kNetGuestEcn |
         kNetHostTso4 | kNetHostTso6 | kNetHostEcn;
}

void Tap::negotiated(std::uint64_t features) {
  unsigned offloads = 0;
  if ((features & kNetGuestChecksum) != 0) {
    offloads = TUN_F_CSUM;
    if ((features & kNetGuestTso4) != 0) offloads |= TUN_F_TSO4;
    if ((features & kNetGuestTso6) != 0) offloads |= TUN_F_TSO6;
    bool const segments = (offloads & (TUN_F_TSO4 | TUN_F_TSO6)) != 0;
    if (segments && (features & kNetGuestEcn) != 0) offloads |= TUN_F_TSO_ECN;
  }
  // Without it the host's kernel does that work itself.
  [[maybe_unused]] int const result = ::ioctl(file_.get(), TUNSETOFFLOAD, offloads);
}

bool Tap::send(std::span<Segment const> frame) {
  std::array<iovec, 256> pieces;
  if (frame.size() > pieces.size()) return false;
  std::ranges::transform(frame, pieces.begin(), [](Segment const& segment) {
    return iovec{.iov_base = segment.bytes.data(), .iov_len = segment.bytes.size()};
  });
  return ::writev(file_.get(), pieces.data(), static_cast<int>(frame.size())) > 0;
}

std::size_t Tap::receive(std::span<std::byte> out) {
  ssize_t const count = ::read(file_.get(), out.data(), out.size());
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

Result<> Tap::start(std::function<void()> on_frames) {
  return worker_.loop().watch(file_.get(), std::move(on_frames));
}

void Tap::stop() {
  worker_.run_and_wait([this] { worker_.loop().forget(file_.get()); });
}

void Tap::listen(bool wanted) {
  using enum DeviceLoop::Interest;
  worker_.loop().change(file_.get(), wanted ? Read : None);
}

}  // namespace bh::vmm::virtio
