#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "base/error.h"
#include "vmm/api/device_config.h"
#include "vmm/loop/timer.h"
#include "vmm/loop/worker.h"

namespace bh::vmm::virtio {

using Nanoseconds = std::chrono::nanoseconds;

/// A budget of tokens that fills up again with time, at a steady rate. Starts full.
class TokenBucket {
 public:
  enum class Reduction : std::uint8_t { Done, TooFew, Overdrawn };

  /// No limit if `config` has no size or no time.
  TokenBucket(TokenBucketConfig const& config, Nanoseconds now);

  /// Takes `tokens`, or none of them. More than the bucket ever holds are given once, and
  /// overdraft() tells how long nobody gets any for it.
  Reduction reduce(std::uint64_t tokens, Nanoseconds now);
  void give_back(std::uint64_t tokens);
  Nanoseconds overdraft() const { return overdraft_; }

  TokenBucketConfig const& config() const { return config_; }
  std::uint64_t budget() const { return budget_; }

 private:
  void refill(Nanoseconds now);
  bool unlimited() const { return config_.size == 0 || config_.refill_time_ms == 0; }

  TokenBucketConfig config_;
  std::uint64_t budget_;
  std::uint64_t burst_;
  Nanoseconds last_;
  Nanoseconds overdraft_{};
};

/// Bytes and operations of one direction of a device. After a refusal or an overdraft nothing is
/// let through until wake() says so.
class RateLimiter {
 public:
  /// How long it waits after a refusal, as Firecracker does.
  static constexpr Nanoseconds kPause = std::chrono::milliseconds(100);

  RateLimiter(RateLimiterConfig const& config, Nanoseconds now);

  /// One operation of `bytes`; all or nothing.
  bool consume(std::uint64_t bytes, Nanoseconds now);
  /// Undoes consume().
  void give_back(std::uint64_t bytes);
  bool blocked() const { return pause_.has_value(); }
  /// How long to sleep before wake(), while blocked.
  Nanoseconds pause() const { return pause_.value_or(Nanoseconds(0)); }
  void wake() { pause_.reset(); }

  /// Buckets that `config` has replace those there are.
  void update(RateLimiterConfig const& config, Nanoseconds now);
  RateLimiterConfig config() const;

 private:
  std::optional<TokenBucket> bandwidth_;
  std::optional<TokenBucket> ops_;
  std::optional<Nanoseconds> pause_;
};

/// A rate limiter with the timer that ends its pauses, on a device's worker. All methods but
/// create() and the destructor, which any thread may call, belong to the worker's thread.
class Throttle {
 public:
  /// `on_resume` is called on the worker when a pause is over.
  static Result<std::unique_ptr<Throttle>> create(Worker& worker, RateLimiterConfig const& config,
                                                  std::function<void()> on_resume);
  ~Throttle();
  Throttle(Throttle const&) = delete;

  bool consume(std::uint64_t bytes);
  void give_back(std::uint64_t bytes) { limiter_.give_back(bytes); }
  bool blocked() const { return limiter_.blocked(); }
  void update(RateLimiterConfig const& config);
  RateLimiterConfig config() const { return limiter_.config(); }

 private:
  Throttle(Worker& worker, RateLimiterConfig const& config, Timer timer,
           std::function<void()> on_resume);

  Worker& worker_;
  RateLimiter limiter_;
  Timer timer_;
  std::function<void()> on_resume_;
};

}  // namespace bh::vmm::virtio
