#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/error.h"
#include "vmm/loop/timer.h"
#include "vmm/virtio/net/backend.h"
#include "vmm/virtio/net/udp_forward.h"

namespace bh::vmm::virtio {

/// A network in user space, for who may not make a tap: libslirp translates the guest's streams and
/// datagrams into sockets of this process. The guest is 10.0.2.15 (by DHCP), the name server is
/// 10.0.2.3, and 10.0.2.2 is the host's loopback, if that is open: what listens there often trusts
/// whoever can reach it. Ports of the host that are forwarded lead to the guest's.
///
/// The library is loaded when the first of these is made: machines without one do not pay for it.
class UserNetwork final : public NetBackend {
 public:
  /// Frames for the guest that wait; more are dropped, as on a real wire.
  static constexpr std::size_t kMaxWaiting = 512;

  /// Ports of the host are open from here on.
  static Result<std::unique_ptr<UserNetwork>> create(NetworkInterfaceConfig const& config,
                                                     Worker& worker);
  ~UserNetwork() override;

  std::uint64_t features() const override { return 0; }
  void negotiated(std::uint64_t /*features*/) override {}
  bool send(std::span<Segment const> frame) override;
  std::size_t receive(std::span<std::byte> out) override;
  Result<> start(std::function<void()> on_frames) override;
  void stop() override;
  void listen(bool wanted) override { listening_ = wanted; }

 private:
  struct Library;
  struct Callbacks;

  UserNetwork(NetworkInterfaceConfig const& config, Library const& library, Worker& worker,
              Timer timer)
      : config_(config), library_(library), worker_(worker), timer_(std::move(timer)) {}

  Result<> open_ports();
  Result<> open_port(PortForwardConfig const& forward);
  /// Takes a frame for the guest, without its header.
  void enqueue(std::span<std::byte const> frame);
  void receive_datagrams(UdpForward& forward);
  bool may_pass(std::span<std::byte const> frame) const;
  void watch_descriptors();
  void serve();
  void tell();
  void forget(int fd);

  NetworkInterfaceConfig const config_;
  Library const& library_;
  Worker& worker_;
  Timer timer_;
  std::vector<UdpForward> datagrams_;
  MacAddress guest_mac_{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};  // Until it has sent something.
  void* slirp_ = nullptr;
  std::function<void()> on_frames_;
  bool listening_ = true;
  bool telling_ = false;
  std::deque<std::vector<std::byte>> waiting_;
  struct Watched {
    int fd;
    short events;
    short ready = 0;
    bool in_use = false;
  };
  std::vector<Watched> watched_;
  std::vector<std::size_t> asked_;  // Indexes into watched_, in the order the library asked.
};

}  // namespace bh::vmm::virtio
