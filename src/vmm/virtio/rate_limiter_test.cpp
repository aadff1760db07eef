#include "vmm/virtio/rate_limiter.h"

#include <gtest/gtest.h>

#include <atomic>

namespace bh::vmm::virtio {
namespace {

using std::chrono::milliseconds;
using Reduction = TokenBucket::Reduction;

TEST(TokenBucket, RefillsAtASteadyRate) {
  TokenBucket bucket({.size = 1000, .refill_time_ms = 1000}, milliseconds(0));
  EXPECT_EQ(bucket.reduce(1000, milliseconds(0)), Reduction::Done);
  EXPECT_EQ(bucket.reduce(100, milliseconds(99)), Reduction::TooFew);
  EXPECT_EQ(bucket.reduce(100, milliseconds(100)), Reduction::Done);
  EXPECT_EQ(bucket.reduce(1, milliseconds(100)), Reduction::TooFew);
  EXPECT_EQ(bucket.reduce(1000, milliseconds(5000)), Reduction::Done);
}

TEST(TokenBucket, LosesNoTimeBetweenManyLooks) {
  TokenBucket bucket({.size = 3, .refill_time_ms = 10}, milliseconds(0));
  EXPECT_EQ(bucket.reduce(3, milliseconds(0)), Reduction::Done);
  int granted = 0;
  for (int time = 1; time <= 100; ++time) {
    if (bucket.reduce(1, milliseconds(time)) == Reduction::Done) ++granted;
  }
  EXPECT_GE(granted, 29);
  EXPECT_LE(granted, 30);
}

TEST(TokenBucket, SpendsItsBurstFirstAndOnce) {
  TokenBucket bucket({.size = 10, .refill_time_ms = 10, .one_time_burst = 100}, milliseconds(0));
  EXPECT_EQ(bucket.reduce(105, milliseconds(0)), Reduction::Done);
  EXPECT_EQ(bucket.budget(), 5u);
  EXPECT_EQ(bucket.reduce(6, milliseconds(0)), Reduction::TooFew);
  EXPECT_EQ(bucket.reduce(10, milliseconds(100)), Reduction::Done);
  EXPECT_EQ(bucket.reduce(10, milliseconds(101)), Reduction::TooFew);
}

TEST(TokenBucket, LetsOneTooLargeRequestThroughAndThenWaits) {
  TokenBucket bucket({.size = 100, .refill_time_ms = 10}, milliseconds(0));
  EXPECT_EQ(bucket.reduce(300, milliseconds(0)), Reduction::Overdrawn);
  EXPECT_EQ(bucket.overdraft(), milliseconds(20));
}

TEST(TokenBucket, HasNoLimitWithoutSizeOrTime) {
  TokenBucket no_size({.size = 0, .refill_time_ms = 10}, milliseconds(0));
  TokenBucket no_time({.size = 10, .refill_time_ms = 0}, milliseconds(0));
  EXPECT_EQ(no_size.reduce(~0ULL, milliseconds(0)), Reduction::Done);
  EXPECT_EQ(no_time.reduce(~0ULL, milliseconds(0)), Reduction::Done);
}

TEST(RateLimiter, PausesAfterARefusalUntilItIsWoken) {
  RateLimiter limiter({.bandwidth = {}, .ops = TokenBucketConfig{1, 1000, 0}}, milliseconds(0));
  EXPECT_TRUE(limiter.consume(1 << 20, milliseconds(0)));
  EXPECT_FALSE(limiter.consume(1, milliseconds(1)));
  EXPECT_EQ(limiter.pause(), RateLimiter::kPause);
  EXPECT_FALSE(limiter.consume(1, milliseconds(5000))) << "not woken yet";
  limiter.wake();
  EXPECT_TRUE(limiter.consume(1, milliseconds(5000)));
}

TEST(RateLimiter, TakesNoOperationWhenBytesAreMissing) {
  RateLimiter limiter(
      {.bandwidth = TokenBucketConfig{10, 1000, 0}, .ops = TokenBucketConfig{2, 1'000'000, 0}},
      milliseconds(0));
  EXPECT_TRUE(limiter.consume(10, milliseconds(0)));
  EXPECT_FALSE(limiter.consume(10, milliseconds(0)));
  limiter.wake();
  EXPECT_TRUE(limiter.consume(10, milliseconds(1000)));
  EXPECT_TRUE(limiter.consume(0, milliseconds(1000)) == false);
}

TEST(RateLimiter, UpdatesOnlyTheBucketsGiven) {
  RateLimiter limiter({.bandwidth = TokenBucketConfig{10, 1000, 0}, .ops = {}}, milliseconds(0));
  limiter.update({.bandwidth = {}, .ops = TokenBucketConfig{1, 2, 3}}, milliseconds(0));
  EXPECT_EQ(limiter.config().bandwidth, (TokenBucketConfig{10, 1000, 0}));
  EXPECT_EQ(limiter.config().ops, (TokenBucketConfig{1, 2, 3}));
  limiter.update({.bandwidth = TokenBucketConfig{}, .ops = {}}, milliseconds(0));
  EXPECT_TRUE(limiter.consume(1 << 30, milliseconds(0)));
}

TEST(Throttle, ResumesByItself) {
  auto const worker = std::move(Worker::start("test").value());
  std::atomic<int> resumed = 0;
  auto const throttle = std::move(
      Throttle::create(*worker, {.bandwidth = TokenBucketConfig{1, 1, 0}, .ops = {}}, [&] {
        resumed = 1;
        resumed.notify_all();
      }).value());
  // Two tokens of one: overdrawn for a millisecond.
  worker->run_and_wait([&] { EXPECT_TRUE(throttle->consume(2)); });
  resumed.wait(0);
  worker->run_and_wait([&] { EXPECT_FALSE(throttle->blocked()); });
}

}  // namespace
}  // namespace bh::vmm::virtio
