#include "vmm/virtio/rng/device.h"

#include <gtest/gtest.h>

#include "vmm/virtio/testing/fake_driver.h"

namespace bh::vmm::virtio {
namespace {

class RngTest : public ::testing::Test {
 protected:
  void start(EntropyConfig const& config = {}) {
    device_ = std::move(RngDevice::create(config, *guest_.worker, guest_.memory).value());
    driver_ = std::make_unique<testing::FakeDriver>(guest_, *device_);
    driver_->start();
  }

  testing::Guest guest_;
  std::unique_ptr<RngDevice> device_;
  std::unique_ptr<testing::FakeDriver> driver_;
};

TEST_F(RngTest, FillsBuffersWithDifferentBytes) {
  start();
  auto& ring = driver_->rings[0];
  auto const first = ring.writable(64);
  auto const second = ring.writable(64);
  ring.offer({first});
  ring.offer({second});
  driver_->notify();
  EXPECT_EQ(ring.take()->length, 64u);
  EXPECT_EQ(ring.take()->length, 64u);
  EXPECT_NE(ring.text(first), ring.text(second));
  EXPECT_GE(driver_->interrupts, 1);
  EXPECT_EQ(device_->metrics().entropy_bytes.value(), 128u);
}

TEST_F(RngTest, GivesOneRequestALimitedNumberOfBytes) {
  start();
  auto& ring = driver_->rings[0];
  ring.offer({{.address = {0x100000}, .size = 512 * 1024, .writable = true}});
  driver_->notify();
  EXPECT_EQ(ring.take()->length, RngDevice::kMaxBytes);
}

TEST_F(RngTest, KeepsRequestsBeyondItsRateForLater) {
  start({.rate_limiter =
             RateLimiterConfig{.bandwidth = TokenBucketConfig{64, 3'600'000, 0}, .ops = {}}});
  auto& ring = driver_->rings[0];
  ring.offer({ring.writable(64)});
  ring.offer({ring.writable(64)});
  driver_->notify();
  EXPECT_TRUE(ring.take());
  EXPECT_FALSE(ring.take());
  EXPECT_EQ(device_->metrics().entropy_rate_limiter_throttled.value(), 1u);
}

}  // namespace
}  // namespace bh::vmm::virtio
