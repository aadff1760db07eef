#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "os/unique_fd.h"
#include "vmm/api/device_config.h"
#include "vmm/loop/timer.h"
#include "vmm/virtio/device.h"
#include "vmm/virtio/vsock/connection.h"
#include "vmm/virtio/vsock/metrics.h"
#include "vmm/virtio/vsock/packet.h"

namespace bh::vmm::virtio {

/// virtio-vsock (VIRTIO 1.2, 5.10) with Firecracker's protocol on the host: who connects to the
/// Unix socket and writes "CONNECT port\n" gets "OK host_port\n" and a stream to that port of the
/// guest; a guest that connects to port P of CID 2 reaches whoever listens at the socket's path
/// with "_P" behind it.
class VsockDevice final : public VirtioDevice {
 public:
  static constexpr std::size_t kMaxConnections = 1023;
  /// Packets without data that wait for a buffer of the guest. The guest is not heard beyond that.
  static constexpr std::size_t kMaxWaiting = 256;

  static Result<std::unique_ptr<VsockDevice>> create(VsockConfig const& config, Worker& worker,
                                                     GuestMemory& memory);
  ~VsockDevice() override;

  DeviceType type() const override { return DeviceType::Vsock; }
  std::uint64_t features() const override { return 0; }
  std::size_t queue_count() const override { return 3; }
  std::vector<std::byte> config() const override;

  VsockMetrics const& metrics() const { return metrics_; }

 protected:
  void process(std::size_t queue) override;
  void on_deactivate() override;

 private:
  /// A client that has not said yet which port it wants.
  struct Greeting {
    os::UniqueFd socket;
    std::string text;
  };

  VsockDevice(VsockConfig const& config, Worker& worker, GuestMemory& memory, os::UniqueFd listener,
              Timer timer);

  // From the host.
  void on_client();
  void on_greeting(int fd);
  void request(os::UniqueFd socket, std::uint32_t port);
  void on_socket(VsockPorts ports);
  void check_overdue();

  // From the guest.
  std::optional<std::uint32_t> take_packet(Chain const& chain);
  void handle(VsockHeader const& header, ChainReader& data);
  void handle_request(VsockHeader const& header);
  void handle_shutdown(VsockConnection& connection, std::uint32_t flags);
  void handle_data(VsockConnection& connection, ChainReader& data, std::uint32_t length);

  // To the guest.
  void send(VsockPorts ports, std::uint16_t operation, std::uint32_t flags = 0);
  void send_waiting();
  void receive(VsockConnection& connection);
  bool deliver(VsockConnection& connection, Queue& queue);
  VsockHeader header(VsockPorts ports, std::uint16_t operation) const;

  VsockConnection* find(VsockPorts ports);
  void add(std::unique_ptr<VsockConnection> connection);
  void remove(VsockPorts ports);
  void reset(VsockPorts ports);
  void flush(VsockConnection& connection);
  void update_interest(VsockConnection& connection);
  void resume_reading();

  VsockConfig const config_;
  GuestMemory& memory_;
  os::UniqueFd const listener_;
  Timer timer_;
  std::map<int, Greeting> greetings_;
  std::map<VsockPorts, std::unique_ptr<VsockConnection>> connections_;
  std::deque<VsockHeader> waiting_;
  std::uint32_t next_port_ = std::uint32_t{1} << 30;
  bool no_buffers_ = false;  // The guest's receive queue was empty when we looked.
  bool timer_runs_ = false;
  Chain receive_chain_;
  VsockMetrics metrics_;
};

}  // namespace bh::vmm::virtio
