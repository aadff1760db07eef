#include "vmm/virtio/vsock/device.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "os/temporary_folder.h"
#include "os/unix_socket.h"
#include "vmm/virtio/testing/fake_driver.h"

namespace bh::vmm::virtio {
namespace {

constexpr std::uint64_t kGuestCid = 5;

struct Packet {
  VsockHeader header;
  std::string data;
};

class VsockTest : public ::testing::Test {
 protected:
  void SetUp() override { driver_.start(); }

  void offer_buffers(int count, std::uint32_t size = 4096) {
    for (int i = 0; i < count; ++i) {
      buffers_.push_back(driver_.rings[0].writable(44 + size));
      driver_.rings[0].offer({buffers_.back()});
    }
    driver_.notify(0);
  }
  /// The next packet to the guest; waits for it.
  Packet next() {
    std::optional<UsedElement> used;
    for (int i = 0; i < 100'000 && !used; ++i) {
      driver_.settle();
      used = driver_.rings[0].take();
    }
    if (!used) {
      ADD_FAILURE() << "no packet";
      return {};
    }
    auto const bytes = driver_.rings[0].text(buffers_.front());
    buffers_.pop_front();
    Packet packet;
    std::memcpy(&packet.header, bytes.data(), sizeof packet.header);
    packet.data = bytes.substr(44, used->length - 44);
    return packet;
  }
  void send(VsockPorts ports, std::uint16_t operation, std::string const& data = "",
            std::uint32_t flags = 0) {
    VsockHeader const header{.source_cid = kGuestCid,
                             .destination_cid = kHostCid,
                             .source_port = ports.guest,
                             .destination_port = ports.host,
                             .length = static_cast<std::uint32_t>(data.size()),
                             .type = kVsockStream,
                             .operation = operation,
                             .flags = flags,
                             .buffer_size = guest_buffer_};
    auto& ring = driver_.rings[1];
    ring.offer({ring.readable_object(header), ring.readable(data)});
    driver_.notify(1);
    while (ring.take()) {
    }
  }
  static void block(os::UniqueFd const& socket) { ::fcntl(socket.get(), F_SETFL, 0); }
  static std::string read(os::UniqueFd const& socket, std::size_t size) {
    std::string text(size, '\0');
    ssize_t const count = ::recv(socket.get(), text.data(), size, MSG_WAITALL);
    text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return text;
  }
  static void write(os::UniqueFd const& socket, std::string_view text) {
    EXPECT_EQ(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  /// A stream the host asked for, established.
  VsockPorts connect(std::uint32_t port) {
    client_ = std::move(os::connect_unix(path_).value());
    block(client_);
    write(client_, "CONNECT " + std::to_string(port) + "\n");
    auto const request = next();
    EXPECT_EQ(request.header.operation, kVsockRequest);
    EXPECT_EQ(request.header.destination_port, port);
    VsockPorts const ports{.host = request.header.source_port, .guest = port};
    send(ports, kVsockResponse);
    auto const expected = "OK " + std::to_string(ports.host) + "\n";
    EXPECT_EQ(read(client_, expected.size()), expected);
    return ports;
  }

  os::TemporaryFolder folder_ = std::move(os::TemporaryFolder::create("vsock").value());
  std::string path_ = folder_.path() + "/v";
  testing::Guest guest_;
  std::unique_ptr<VsockDevice> device_ =
      std::move(VsockDevice::create({.guest_cid = kGuestCid, .uds_path = path_}, *guest_.worker,
                                    guest_.memory)
                    .value());
  testing::FakeDriver driver_{guest_, *device_};
  std::deque<testing::Piece> buffers_;
  os::UniqueFd client_;
  std::uint32_t guest_buffer_ = 1 << 20;
};

TEST_F(VsockTest, TellsTheGuestItsCid) {
  EXPECT_EQ(driver_.config(8), std::string("\5\0\0\0\0\0\0\0", 8));
}

TEST_F(VsockTest, CarriesAStreamThatTheHostAskedFor) {
  offer_buffers(4);
  auto const ports = connect(52);
  EXPECT_GE(ports.host, 1u << 30);
  write(client_, "hello");
  auto const data = next();
  EXPECT_EQ(data.header.operation, kVsockData);
  EXPECT_EQ(data.data, "hello");
  send(ports, kVsockData, "world");
  EXPECT_EQ(read(client_, 5), "world");
}

TEST_F(VsockTest, ConnectsAGuestToWhoListensForItsPort) {
  auto const service = std::move(os::listen_unix(path_ + "_1234").value());
  offer_buffers(4);
  VsockPorts const ports{.host = 1234, .guest = 99};
  send(ports, kVsockRequest);
  EXPECT_EQ(next().header.operation, kVsockResponse);
  os::UniqueFd const server(::accept4(service.get(), nullptr, nullptr, SOCK_CLOEXEC));
  send(ports, kVsockData, "abc");
  EXPECT_EQ(read(server, 3), "abc");
  send({.host = 1235, .guest = 99}, kVsockRequest);
  auto const refused = next();
  EXPECT_EQ(refused.header.operation, kVsockReset);
  EXPECT_EQ(refused.header.source_port, 1235u);
}

TEST_F(VsockTest, ClosesAClientWhoseGuestDoesNotListen) {
  offer_buffers(2);
  client_ = std::move(os::connect_unix(path_).value());
  block(client_);
  write(client_, "CONNECT 7\n");
  auto const request = next();
  send({.host = request.header.source_port, .guest = 7}, kVsockReset);
  EXPECT_EQ(read(client_, 1), "");
}

TEST_F(VsockTest, ClosesAClientWhoseGreetingIsWrong) {
  for (auto const* greeting : {"HELLO\n", "CONNECT x\n", "CONNECT 1 \n", "CONNECT 99999999999\n",
                               "CONNECT 111111111111111111111111111111111111"}) {
    auto const client = std::move(os::connect_unix(path_).value());
    block(client);
    write(client, greeting);
    EXPECT_EQ(read(client, 1), "") << greeting;
  }
}

TEST_F(VsockTest, ShutsEachDirectionByItself) {
  offer_buffers(6);
  auto const ports = connect(1);
  ::shutdown(client_.get(), SHUT_WR);
  auto const half = next();
  EXPECT_EQ(half.header.operation, kVsockShutdown);
  EXPECT_EQ(half.header.flags, kVsockNoSend);
  send(ports, kVsockData, "still");
  EXPECT_EQ(read(client_, 5), "still");
  send(ports, kVsockShutdown, "", kVsockNoSend);
  EXPECT_EQ(read(client_, 1), "");
  EXPECT_EQ(next().header.operation, kVsockReset);
}

TEST_F(VsockTest, TellsTheGuestWhenTheClientIsGone) {
  offer_buffers(4);
  auto const ports = connect(1);
  client_.reset();
  auto const shutdown = next();
  EXPECT_EQ(shutdown.header.operation, kVsockShutdown);
  EXPECT_EQ(shutdown.header.flags, kVsockNoReceive | kVsockNoSend);
  send(ports, kVsockReset);
  driver_.settle();
  EXPECT_EQ(device_->metrics().conns_removed.value(), 1u);
}

TEST_F(VsockTest, SendsNoMoreThanTheGuestHasRoomFor) {
  guest_buffer_ = 3;
  offer_buffers(4);
  auto const ports = connect(1);
  write(client_, "abcdef");
  EXPECT_EQ(next().data, "abc");
  EXPECT_EQ(next().header.operation, kVsockCreditRequest);
  guest_buffer_ = 100;
  send(ports, kVsockCreditUpdate);
  EXPECT_EQ(next().data, "def");
}

TEST_F(VsockTest, ResetsAGuestThatSendsMoreThanItMay) {
  offer_buffers(4);
  auto const ports = connect(1);
  std::uint32_t sent = 0;
  // The client does not read, so its socket fills first.
  while (device_->metrics().conns_killed.value() == 0 && sent < 4u << 20) {
    auto& ring = driver_.rings[1];
    VsockHeader const header{.source_cid = kGuestCid,
                             .destination_cid = kHostCid,
                             .source_port = ports.guest,
                             .destination_port = ports.host,
                             .length = 65536,
                             .type = kVsockStream,
                             .operation = kVsockData,
                             .buffer_size = guest_buffer_};
    ring.offer({ring.readable_object(header), {{0x100000}, 65536, false}});
    driver_.notify(1);
    sent += 65536;
  }
  EXPECT_EQ(device_->metrics().conns_killed.value(), 1u);
}

TEST_F(VsockTest, AnswersWhatBelongsToNoConnectionWithAReset) {
  offer_buffers(1);
  send({.host = 1, .guest = 2}, kVsockData, "x");
  EXPECT_EQ(next().header.operation, kVsockReset);
  EXPECT_EQ(device_->metrics().tx_packets_count.value(), 1u);
}

TEST_F(VsockTest, KeepsPacketsUntilTheGuestHasBuffers) {
  for (std::uint32_t port = 0; port < 262; ++port) send({.host = 1, .guest = port}, kVsockData);
  EXPECT_EQ(device_->metrics().tx_packets_count.value(), VsockDevice::kMaxWaiting);
  int resets = 0;
  for (int i = 0; i < 26; ++i) {
    offer_buffers(10, 64);
    for (int j = 0; j < 10; ++j) resets += next().header.operation == kVsockReset;
  }
  EXPECT_EQ(resets, 260);
}

}  // namespace
}  // namespace bh::vmm::virtio
