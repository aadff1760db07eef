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

Result<std::unique_ptr<Tap>> Tap::open(std::string const& name, Kind kind, Worker& worker) {
  if (name.empty() || name.size() >= IFNAMSIZ) {
    return fail(Errc::Invalid,
                "tap \"" + name + "\": names have 1 to " + std::to_string(IFNAMSIZ - 1) + " bytes");
  }
  auto file = BH_TRY(os::open_file("/dev/net/tun", O_RDWR | O_NONBLOCK));
  ifreq request{};
  std::memcpy(request.ifr_name, name.data(), name.size());
  bool const several = kind == Kind::OneOfSeveral;
  request.ifr_flags =
      static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (several ? IFF_MULTI_QUEUE : 0));
  if (::ioctl(file.get(), TUNSETIFF, &request) != 0) {
    int const error = errno;
    if (error == EINVAL) {
      return fail(Errc::Invalid,
                  "attach to tap " + name + ": it was made " +
                      (several ? "without multi_queue (make it with it, or leave queue_pairs away)"
                               : "with multi_queue, or is no tap (say queue_pairs, or make it "
                                 "without)"));
    }
    return fail_errno("attach to tap " + name, error);
  }
  int const size = sizeof(NetHeader);
  if (::ioctl(file.get(), TUNSETVNETHDRSZ, &size) != 0) {
    return fail_errno("TUNSETVNETHDRSZ of tap " + name, errno);
  }
  std::unique_ptr<Tap> tap(new Tap(std::move(file), kind, worker));
  BH_TRY(tap->take_part(false));
  return tap;
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

/// Whether the host's kernel hands frames to this queue.
Result<> Tap::take_part(bool wanted) {
  if (kind_ == Kind::Whole || wanted == takes_part_) return {};
  ifreq request{};
  request.ifr_flags = static_cast<short>(wanted ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE);
  if (::ioctl(file_.get(), TUNSETQUEUE, &request) != 0) {
    return fail_errno("TUNSETQUEUE of a tap", errno);
  }
  takes_part_ = wanted;
  return {};
}

Result<> Tap::start(std::function<void()> on_frames) {
  BH_TRY(take_part(true));
  return worker_.loop().watch(file_.get(), std::move(on_frames));
}

void Tap::stop() {
  worker_.run_and_wait([this] { worker_.loop().forget(file_.get()); });
  // A queue that is gone already takes no part either.
  [[maybe_unused]] auto const left = take_part(false);
}

void Tap::listen(bool wanted) {
  using enum DeviceLoop::Interest;
  worker_.loop().change(file_.get(), wanted ? Read : None);
}

}  // namespace bh::vmm::virtio
