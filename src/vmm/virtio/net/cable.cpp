#include "vmm/virtio/net/cable.h"

#include <sys/socket.h>

#include <cerrno>
#include <span>
#include <utility>

#include "vmm/virtio/chain.h"

namespace bh::vmm::virtio {

Result<std::unique_ptr<Cable>> Cable::join(NetworkInterfaceConfig const& config,
                                           os::UniqueFd socket, Worker& worker) {
  auto network = BH_TRY(UserNetwork::create(config, worker));
  std::unique_ptr<Cable> cable(new Cable(std::move(socket), std::move(network), worker));
  Result<> watched;
  worker.run_and_wait([&] { watched = cable->watch(); });
  BH_TRY(std::move(watched));
  return cable;
}

Cable::~Cable() {
  worker_.run_and_wait([this] { worker_.loop().forget(socket_.get()); });
}

Result<> Cable::watch() {
  BH_TRY(network_->start([this] { give(); }));
  return worker_.loop().watch(socket_.get(), [this] { take(); });
}

void Cable::take() {
  // So many before answers have their turn; the loop calls again for the rest.
  constexpr int kBurst = 64;
  auto const room = std::span(*frame_).subspan(sizeof(NetHeader));
  for (int i = 0; i < kBurst; ++i) {
    ssize_t const count = ::recv(socket_.get(), room.data(), room.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    // Anything but an empty queue is told once, and then forgotten by the kernel.
    if (count <= 0) return;
    // The library looks at no header; there is none to come before this one.
    Segment const whole{
        .address = {},
        .bytes = std::span(*frame_).first(sizeof(NetHeader) + static_cast<std::size_t>(count))};
    (void)network_->send(std::span(&whole, 1));
  }
}

void Cable::give() {
  Frame& frame = *frame_;
  while (auto const size = network_->receive(frame)) {
    auto const body = std::span(frame).first(size).subspan(sizeof(NetHeader));
    // What the device has no room for is lost, as on a real wire.
    if (::send(socket_.get(), body.data(), body.size(), MSG_DONTWAIT) < 0) continue;
  }
}

}  // namespace bh::vmm::virtio
