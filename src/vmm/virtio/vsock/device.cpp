#include "vmm/virtio/vsock/device.h"

#include <unistd.h>

#include <cstring>
#include <utility>

#include "os/unix_socket.h"

namespace bh::vmm::virtio {

namespace {

enum QueueIndex : std::size_t { kReceive, kTransmit, kEvents };

constexpr std::chrono::milliseconds kOverduePeriod{500};

VsockConnection::Time now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

Result<std::unique_ptr<VsockDevice>> VsockDevice::create(VsockConfig const& config, Worker& worker,
                                                         GuestMemory& memory) {
  auto listener = BH_TRY(os::listen_unix(config.uds_path));
  auto timer = BH_TRY(Timer::create());
  std::unique_ptr<VsockDevice> device(
      new VsockDevice(config, worker, memory, std::move(listener), std::move(timer)));
  Result<> watched;
  worker.run_and_wait([&, self = device.get()] {
    watched = worker.loop().watch(self->listener_.get(), [self] { self->on_client(); });
    if (!watched) return;
    watched = worker.loop().watch(self->timer_.fd().get(), [self] { self->check_overdue(); });
  });
  if (!watched) return std::unexpected(std::move(watched).error());
  return device;
}

VsockDevice::VsockDevice(VsockConfig const& config, Worker& worker, GuestMemory& memory,
                         os::UniqueFd listener, Timer timer)
    : VirtioDevice("vsock", worker),
      config_(config),
      memory_(memory),
      listener_(std::move(listener)),
      timer_(std::move(timer)) {}

VsockDevice::~VsockDevice() {
  worker().run_and_wait([this] {
    on_deactivate();
    worker().loop().forget(listener_.get());
    worker().loop().forget(timer_.fd().get());
  });
  ::unlink(config_.uds_path.c_str());
}

std::vector<std::byte> VsockDevice::config() const {
  std::vector<std::byte> bytes(sizeof config_.guest_cid);
  std::memcpy(bytes.data(), &config_.guest_cid, bytes.size());
  return bytes;
}

void VsockDevice::on_deactivate() {
  while (!connections_.empty()) remove(connections_.begin()->first);
  for (auto const& [fd, greeting] : greetings_) worker().loop().forget(fd);
  greetings_.clear();
  waiting_.clear();
  no_buffers_ = false;
}

void VsockDevice::process(std::size_t index) {
  if (index == kReceive) {
    send_waiting();
    resume_reading();
  }
  // The guest may have been left unheard because of the packets that waited.
  auto* const transmit = queue(kTransmit);
  if (index == kEvents || transmit == nullptr) return;
  drain(*transmit, [this](Chain const& chain) { return take_packet(chain); });
  send_waiting();
}

// From the guest.

std::optional<std::uint32_t> VsockDevice::take_packet(Chain const& chain) {
  if (waiting_.size() >= kMaxWaiting) return std::nullopt;
  ChainReader data(chain.readable);
  auto const header = data.read_object<VsockHeader>();
  if (!header || header->length > data.left() || header->source_cid != config_.guest_cid) {
    metrics_.tx_invalid.add();
    return 0;
  }
  metrics_.tx_packets_count.add();
  metrics_.tx_bytes_count.add(header->length);
  handle(*header, data);
  return 0;
}

void VsockDevice::handle(VsockHeader const& header, ChainReader& data) {
  // 5.10.6.4.1: packets for others than the host are dropped.
  if (header.destination_cid != kHostCid) return;
  VsockPorts const ports{.host = header.destination_port, .guest = header.source_port};
  auto* const connection = find(ports);
  if (header.type != kVsockStream) return send(ports, kVsockReset);
  if (connection == nullptr) {
    if (header.operation == kVsockRequest) return handle_request(header);
    if (header.operation != kVsockReset) send(ports, kVsockReset);
    return;
  }
  connection->take_credit(header);
  bool const requested = connection->state() == VsockConnection::State::Requested;
  switch (header.operation) {
    case kVsockReset: return remove(ports);
    case kVsockShutdown: return handle_shutdown(*connection, header.flags);
    case kVsockCreditRequest: send(ports, kVsockCreditUpdate); break;
    case kVsockCreditUpdate: break;
    case kVsockResponse:
      if (!requested) return reset(ports);
      connection->establish();
      if (!connection->write_text("OK " + std::to_string(ports.host) + "\n")) return reset(ports);
      break;
    case kVsockData:
      if (requested) return reset(ports);
      return handle_data(*connection, data, header.length);
    default: return reset(ports);
  }
  update_interest(*connection);
}

void VsockDevice::handle_request(VsockHeader const& header) {
  VsockPorts const ports{.host = header.destination_port, .guest = header.source_port};
  auto socket = os::connect_unix(config_.uds_path + "_" + std::to_string(ports.host));
  if (!socket || connections_.size() >= kMaxConnections) return send(ports, kVsockReset);
  auto connection = std::make_unique<VsockConnection>(ports, *std::move(socket),
                                                      VsockConnection::State::Established, now());
  connection->take_credit(header);
  add(std::move(connection));
  if (find(ports) != nullptr) send(ports, kVsockResponse);
}

void VsockDevice::handle_shutdown(VsockConnection& connection, std::uint32_t flags) {
  if ((flags & kVsockNoReceive) != 0) connection.stop_reading();
  if ((flags & kVsockNoSend) != 0) connection.finish_sending();
  flush(connection);
}

void VsockDevice::handle_data(VsockConnection& connection, ChainReader& data,
                              std::uint32_t length) {
  if (connection.guest_sends_no_more() || !connection.queue(data, length)) {
    metrics_.conns_killed.add();
    return reset(connection.ports());
  }
  flush(connection);
}

/// Writes what the host takes, and sees to what follows from that.
void VsockDevice::flush(VsockConnection& connection) {
  auto const ports = connection.ports();
  if (!connection.flush()) return reset(ports);
  bool const over = connection.guest_sends_no_more() && !connection.reading();
  if (over && !connection.wants_to_write()) return reset(ports);
  if (connection.should_update_credit()) send(ports, kVsockCreditUpdate);
  update_interest(connection);
}

// To the guest.

VsockHeader VsockDevice::header(VsockPorts ports, std::uint16_t operation) const {
  return {.source_cid = kHostCid,
          .destination_cid = config_.guest_cid,
          .source_port = ports.host,
          .destination_port = ports.guest,
          .type = kVsockStream,
          .operation = operation};
}

void VsockDevice::send(VsockPorts ports, std::uint16_t operation, std::uint32_t flags) {
  auto packet = header(ports, operation);
  packet.flags = flags;
  if (auto* const connection = find(ports)) connection->describe(packet);
  // Whoever causes packets is not heard while many wait; what the host's clients cause is bounded
  // by their number.
  waiting_.push_back(packet);
}

void VsockDevice::send_waiting() {
  auto* const receive = queue(kReceive);
  while (receive != nullptr && !waiting_.empty() && pop(*receive, receive_chain_)) {
    ChainWriter writer(memory_, receive_chain_.writable);
    if (!writer.write_object(waiting_.front())) return fault("vsock: a receive buffer too small");
    waiting_.pop_front();
    receive->push(receive_chain_, writer.written());
    metrics_.rx_packets_count.add();
  }
  if (receive == nullptr) return;
  publish(*receive);
  if (!waiting_.empty() && receive->enable_notifications()) worker().post([this] { notify(0); });
}

void VsockDevice::receive(VsockConnection& connection) {
  auto* const buffers = queue(kReceive);
  if (buffers == nullptr) return;
  auto const ports = connection.ports();
  // So that one busy stream leaves room for others.
  constexpr int kBurst = 32;
  for (int i = 0; i < kBurst && connection.wants_to_read(); ++i) {
    if (!buffers->has_available() && !buffers->enable_notifications()) {
      no_buffers_ = true;
      break;
    }
    if (!deliver(connection, *buffers)) break;
  }
  publish(*buffers);
  if (find(ports) == nullptr) return;
  if (connection.credit() == 0 && !std::exchange(connection.credit_requested, true)) {
    send(ports, kVsockCreditRequest);
  }
  send_waiting();
  update_interest(connection);
}

/// One packet of data; false if there is no more at the moment.
bool VsockDevice::deliver(VsockConnection& connection, Queue& buffers) {
  if (!pop(buffers, receive_chain_)) return false;
  ChainWriter writer(memory_, receive_chain_.writable);
  if (writer.left() <= sizeof(VsockHeader)) {
    fault("vsock: a receive buffer too small");
    return false;
  }
  ChainWriter body = writer;
  body.skip(sizeof(VsockHeader));
  std::vector<Segment> pieces;
  body.take(body.left(), pieces);
  auto const received = connection.receive(pieces);
  if (received.bytes == 0) {
    buffers.unpop();
    if (!received.end) return false;
    connection.stop_reading();
    if (received.hung_up) connection.close(now());
    send(connection.ports(), kVsockShutdown,
         received.hung_up ? kVsockNoReceive | kVsockNoSend : kVsockNoSend);
    if (connection.guest_sends_no_more()) flush(connection);
    return false;
  }
  auto packet = header(connection.ports(), kVsockData);
  packet.length = received.bytes;
  connection.describe(packet);
  writer.write_object(packet);
  std::uint32_t left = received.bytes;
  for (auto const& piece : pieces) {
    auto const count = std::min<std::size_t>(left, piece.bytes.size());
    memory_.note_write(piece.address, count);
    left -= static_cast<std::uint32_t>(count);
  }
  buffers.push(receive_chain_, static_cast<std::uint32_t>(sizeof packet) + received.bytes);
  metrics_.rx_packets_count.add();
  metrics_.rx_bytes_count.add(received.bytes);
  return true;
}

void VsockDevice::resume_reading() {
  if (!std::exchange(no_buffers_, false)) return;
  for (auto const& [ports, connection] : connections_) update_interest(*connection);
}

// Connections.

VsockConnection* VsockDevice::find(VsockPorts ports) {
  auto const found = connections_.find(ports);
  return found == connections_.end() ? nullptr : found->second.get();
}

void VsockDevice::add(std::unique_ptr<VsockConnection> connection) {
  auto const ports = connection->ports();
  int const fd = connection->socket();
  if (!worker().loop().watch(fd, DeviceLoop::Interest::None, [this, ports] { on_socket(ports); })) {
    return;
  }
  connections_[ports] = std::move(connection);
  update_interest(*connections_[ports]);
  metrics_.conns_added.add();
}

void VsockDevice::remove(VsockPorts ports) {
  auto* const connection = find(ports);
  if (connection == nullptr) return;
  worker().loop().forget(connection->socket());
  connections_.erase(ports);
  metrics_.conns_removed.add();
}

void VsockDevice::reset(VsockPorts ports) {
  remove(ports);
  send(ports, kVsockReset);
}

void VsockDevice::update_interest(VsockConnection& connection) {
  using enum DeviceLoop::Interest;
  bool const read = connection.wants_to_read() && !no_buffers_;
  bool const write = connection.wants_to_write();
  auto const interest = read && write ? ReadAndWrite : read ? Read : write ? Write : None;
  worker().loop().change(connection.socket(), interest);
  bool const waits = connection.state() != VsockConnection::State::Established;
  if (waits && !std::exchange(timer_runs_, true)) timer_.set_period(kOverduePeriod);
}

void VsockDevice::on_socket(VsockPorts ports) {
  if (auto* const connection = find(ports); connection != nullptr && connection->wants_to_write()) {
    flush(*connection);
  }
  if (auto* const connection = find(ports); connection != nullptr && connection->wants_to_read()) {
    receive(*connection);
  }
  send_waiting();
}

void VsockDevice::check_overdue() {
  timer_.clear();
  std::vector<VsockPorts> overdue;
  bool any = false;
  for (auto const& [ports, connection] : connections_) {
    if (connection->overdue(now())) overdue.push_back(ports);
    any = any || connection->state() != VsockConnection::State::Established;
  }
  for (auto const& ports : overdue) {
    metrics_.conns_killed.add();
    reset(ports);
  }
  send_waiting();
  if (!any) {
    timer_.set_period({});
    timer_runs_ = false;
  }
}

}  // namespace bh::vmm::virtio
