#include "vmm/virtio/net/device.h"

#include <gtest/gtest.h>

#include <deque>

#include "vmm/virtio/testing/fake_driver.h"

namespace bh::vmm::virtio {
namespace {

/// A cable whose other end the test holds.
class FakeBackend final : public NetBackend {
 public:
  std::uint64_t features() const override { return kNetChecksum; }
  void negotiated(std::uint64_t features) override { taken = features; }
  bool send(std::span<Segment const> frame) override {
    std::string text(total_size(frame), '\0');
    ChainReader(frame).read(std::as_writable_bytes(std::span(text)));
    sent.push_back(text.substr(sizeof(NetHeader)));
    return true;
  }
  std::size_t receive(std::span<std::byte> out) override {
    if (waiting.empty()) return 0;
    auto const frame = std::string(sizeof(NetHeader), '\0') + waiting.front();
    waiting.pop_front();
    std::memcpy(out.data(), frame.data(), frame.size());
    return frame.size();
  }
  Result<> start(std::function<void()> on_frames) override {
    arrive = std::move(on_frames);
    return {};
  }
  void stop() override { arrive = nullptr; }
  void listen(bool wanted) override { listening = wanted; }

  std::uint64_t taken = 0;
  std::deque<std::string> waiting;
  std::vector<std::string> sent;
  std::function<void()> arrive;
  bool listening = true;
};

/// Takes frames that begin with an M, and answers each with its reverse.
class FakeInterceptor final : public FrameInterceptor {
 public:
  bool take(std::span<std::byte const> frame) override {
    answer_.assign(frame.rbegin(), frame.rend());
    return true;
  }
  std::size_t answer(std::span<std::byte> out) override {
    std::ranges::copy(answer_, out.begin());
    return std::exchange(answer_, {}).size();
  }
  bool wants(std::span<std::byte const> start) const override {
    return !start.empty() && start[0] == std::byte{'M'};
  }

 private:
  std::vector<std::byte> answer_;
};

class NetTest : public ::testing::Test {
 protected:
  void start(NetworkInterfaceConfig config = {}, std::uint64_t without = 0) {
    config.iface_id = "eth0";
    NetBackends backends;
    for (unsigned i = 0; i < config.queue_pairs; ++i) {
      auto backend = std::make_unique<FakeBackend>();
      wires_.push_back(backend.get());
      backends.push_back(std::move(backend));
    }
    wire_ = wires_[0];
    device_ = std::move(NetDevice::create(config, *guest_.worker, guest_.memory,
                                          std::move(backends), std::make_unique<FakeInterceptor>())
                            .value());
    driver_ = std::make_unique<testing::FakeDriver>(guest_, *device_);
    driver_->start(without);
  }
  testing::Piece offer_buffer(std::uint32_t size, std::size_t queue = 0) {
    auto const piece = driver_->rings[queue].writable(size);
    driver_->rings[queue].offer({piece});
    return piece;
  }
  /// What the device answers to a command with these bytes.
  char command(std::string const& bytes, std::size_t queue) {
    auto& ring = driver_->rings[queue];
    auto const answer = ring.writable(1);
    ring.offer({ring.readable(bytes), answer});
    driver_->notify(static_cast<std::uint32_t>(queue));
    return ring.text(answer)[0];
  }
  void arrive(std::string const& frame) {
    guest_.worker->run_and_wait([&] {
      wire_->waiting.push_back(frame);
      wire_->arrive();
    });
  }
  void send(std::string const& frame) {
    auto& ring = driver_->rings[1];
    ring.offer({ring.readable_object(NetHeader{}), ring.readable(frame)});
    driver_->notify(1);
  }

  testing::Guest guest_;
  std::unique_ptr<NetDevice> device_;
  std::unique_ptr<testing::FakeDriver> driver_;
  std::vector<FakeBackend*> wires_;
  FakeBackend* wire_ = nullptr;  // The first.
};

TEST_F(NetTest, CarriesFramesBothWays) {
  start();
  auto const buffer = offer_buffer(100);
  arrive("hello");
  EXPECT_EQ(driver_->rings[0].take()->length, sizeof(NetHeader) + 5);
  EXPECT_EQ(driver_->rings[0].text(buffer).substr(sizeof(NetHeader), 5), "hello");
  EXPECT_EQ(driver_->rings[0].text(buffer)[10], 1) << "buffers of the frame";
  send("world");
  EXPECT_EQ(wire_->sent, std::vector<std::string>{"world"});
  EXPECT_EQ(device_->metrics().tx_bytes_count.value(), 5u);
}

TEST_F(NetTest, SpreadsAFrameOverSeveralBuffers) {
  start();
  std::vector<testing::Piece> buffers;
  for (int i = 0; i < 3; ++i) buffers.push_back(offer_buffer(16));
  driver_->notify(0);
  arrive("abcdefghijklmnopqrstuvwxyz");
  std::string text;
  for (auto const& buffer : buffers) {
    auto const used = driver_->rings[0].take();
    ASSERT_TRUE(used);
    text += driver_->rings[0].text(buffer).substr(0, used->length);
  }
  EXPECT_EQ(text.substr(sizeof(NetHeader)), "abcdefghijklmnopqrstuvwxyz");
  EXPECT_EQ(text[10], 3);
}

TEST_F(NetTest, KeepsAFrameUntilThereAreBuffers) {
  start();
  arrive("early");
  EXPECT_FALSE(wire_->listening);
  arrive("later");
  auto const first = offer_buffer(64);
  auto const second = offer_buffer(64);
  driver_->notify(0);
  EXPECT_EQ(driver_->rings[0].text(first).substr(12, 5), "early");
  EXPECT_EQ(driver_->rings[0].text(second).substr(12, 5), "later");
  EXPECT_TRUE(wire_->listening);
}

TEST_F(NetTest, WaitsForMoreWhenTheBuffersThereAreAreTooFew) {
  start();
  auto const first = offer_buffer(20);
  driver_->notify(0);
  arrive("abcdefghijklmnop");
  EXPECT_FALSE(driver_->rings[0].take());
  EXPECT_EQ(driver_->rings[0].available_event(), 1) << "the next buffer is to be told of";
  auto const second = offer_buffer(20);
  driver_->notify(0);
  EXPECT_EQ(driver_->rings[0].text(first).substr(12) + driver_->rings[0].text(second).substr(0, 8),
            "abcdefghijklmnop");
}

TEST_F(NetTest, DropsAFrameThatFitsNoBufferWithoutMerging) {
  start({}, kNetMergeable);
  offer_buffer(16);
  arrive("abcdefghijklmnop");
  EXPECT_EQ(driver_->rings[0].take()->length, 0u);
}

TEST_F(NetTest, DropsFramesThatCannotBe) {
  start();
  auto& ring = driver_->rings[1];
  ring.offer({ring.readable("short")});
  ring.offer({{{0x100000}, 100'000, false}});
  driver_->notify(1);
  EXPECT_TRUE(ring.take() && ring.take());
  EXPECT_EQ(device_->metrics().tx_malformed_frames.value(), 2u);
  EXPECT_TRUE(wire_->sent.empty());
}

TEST_F(NetTest, ShowsItsAddressAndItsMtu) {
  start({.guest_mac = "06:00:ac:10:00:02", .mtu = 1400});
  EXPECT_EQ(driver_->offered_features() & (kNetMac | kNetMtu), kNetMac | kNetMtu);
  auto const config = driver_->config(12);
  EXPECT_EQ(config.substr(0, 6), std::string("\x06\x00\xac\x10\x00\x02", 6));
  EXPECT_EQ(static_cast<std::uint8_t>(config[10]) | config[11] << 8, 1400);
  EXPECT_EQ(wire_->taken & kNetChecksum, kNetChecksum);
}

TEST_F(NetTest, UsesAsManyPairsAsItsDriver) {
  using namespace std::string_literals;
  start({.queue_pairs = 2});
  EXPECT_EQ(driver_->config(12)[8], 2);
  EXPECT_TRUE(wires_[0]->arrive);
  EXPECT_FALSE(wires_[1]->arrive) << "one pair until the driver says more";
  auto& ring = driver_->rings[3];
  auto const send_by_second = [&] {
    ring.offer({ring.readable_object(NetHeader{}), ring.readable("second")});
    driver_->notify(3);
  };
  send_by_second();
  EXPECT_TRUE(wires_[1]->sent.empty());

  EXPECT_EQ(command("\4\0\2\0"s, 4), kNetCommandDone);
  auto const buffer = offer_buffer(64, 2);
  guest_.worker->run_and_wait([&] {
    wires_[1]->waiting.push_back("to the second");
    wires_[1]->arrive();
  });
  EXPECT_EQ(driver_->rings[2].text(buffer).substr(12, 13), "to the second");
  send_by_second();
  EXPECT_EQ(wires_[1]->sent, (std::vector<std::string>{"second", "second"}));
  EXPECT_TRUE(wires_[0]->sent.empty());

  EXPECT_EQ(command("\4\0\1\0"s, 4), kNetCommandDone);
  EXPECT_FALSE(wires_[1]->arrive);
  for (auto const& bytes : {"\4\0\0\0"s, "\4\0\3\0"s, "\4\1\1\0"s, "\4\0\1"s, "\1\0\1\0"s, "\4"s}) {
    EXPECT_EQ(command(bytes, 4), kNetCommandFailed);
  }
}

TEST_F(NetTest, IsOnePairForADriverThatKnowsNoMore) {
  using namespace std::string_literals;
  start({.queue_pairs = 2}, kNetMultiQueue);
  EXPECT_EQ(command("\4\0\2\0"s, 2), kNetCommandFailed) << "its control queue is the third";
  EXPECT_FALSE(wires_[1]->arrive);
}

TEST_F(NetTest, LetsAnInterceptorAnswer) {
  start();
  auto const buffer = offer_buffer(64);
  send("M12");
  EXPECT_TRUE(wire_->sent.empty());
  EXPECT_EQ(driver_->rings[0].text(buffer).substr(12, 3), "21M");
}

TEST_F(NetTest, HoldsFramesBackBeyondItsRate) {
  RateLimiterConfig const one{.bandwidth = {}, .ops = TokenBucketConfig{1, 3'600'000, 0}};
  start({.rx_rate_limiter = one, .tx_rate_limiter = one});
  send("a");
  send("b");
  EXPECT_EQ(wire_->sent, std::vector<std::string>{"a"});
  offer_buffer(64);
  offer_buffer(64);
  offer_buffer(64);
  for (auto const* frame : {"x", "y", "z"}) arrive(frame);
  EXPECT_EQ(driver_->rings[0].used_index(), 1);
  EXPECT_FALSE(wire_->listening);
  guest_.worker->run_and_wait([&] {
    device_->update_rate_limiters(
        {.tx_rate_limiter = RateLimiterConfig{.ops = TokenBucketConfig{}}});
  });
}

}  // namespace
}  // namespace bh::vmm::virtio
