#include "vmm/virtio/rate_limiter.h"

#include <algorithm>
#include <utility>

namespace bh::vmm::virtio {

namespace {

Nanoseconds now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

Nanoseconds refill_time(TokenBucketConfig const& config) {
  // A year is as good as never, and keeps products within 128 bits.
  constexpr std::uint64_t kMost = std::uint64_t{365} * 24 * 3600 * 1000;
  return std::chrono::milliseconds(std::min(config.refill_time_ms, kMost));
}

}  // namespace

TokenBucket::TokenBucket(TokenBucketConfig const& config, Nanoseconds now)
    : config_(config), budget_(config.size), burst_(config.one_time_burst), last_(now) {}

void TokenBucket::refill(Nanoseconds now) {
  __extension__ using Wide = unsigned __int128;
  auto const period = static_cast<Wide>(refill_time(config_).count());
  auto const elapsed = static_cast<Wide>(std::max(now - last_, Nanoseconds(0)).count());
  if (elapsed >= period) {
    budget_ = config_.size;
    last_ = now;
    return;
  }
  auto const tokens = static_cast<std::uint64_t>(elapsed * config_.size / period);
  if (tokens == 0) return;
  // Time that has not made a whole token yet is kept.
  auto const used = (static_cast<Wide>(tokens) * period + config_.size - 1) / config_.size;
  last_ += Nanoseconds(static_cast<std::int64_t>(used));
  budget_ = tokens >= config_.size - budget_ ? config_.size : budget_ + tokens;
}

TokenBucket::Reduction TokenBucket::reduce(std::uint64_t tokens, Nanoseconds now) {
  if (unlimited()) return Reduction::Done;
  std::uint64_t const from_burst = std::min(burst_, tokens);
  std::uint64_t const rest = tokens - from_burst;
  if (rest > budget_) refill(now);
  if (rest > budget_ && rest <= config_.size) return Reduction::TooFew;
  burst_ -= from_burst;
  if (rest <= budget_) {
    budget_ -= rest;
    return Reduction::Done;
  }
  double const ratio = static_cast<double>(rest - budget_) / static_cast<double>(config_.size);
  double const wait = ratio * static_cast<double>(refill_time(config_).count());
  // An hour: no request is so large that a sane limit would ask for more.
  overdraft_ = Nanoseconds(static_cast<std::int64_t>(std::min(wait, 3.6e12)));
  budget_ = 0;
  last_ = now;
  return Reduction::Overdrawn;
}

void TokenBucket::give_back(std::uint64_t tokens) {
  budget_ = tokens >= config_.size - budget_ ? config_.size : budget_ + tokens;
}

RateLimiter::RateLimiter(RateLimiterConfig const& config, Nanoseconds now) {
  update(config, now);
}

bool RateLimiter::consume(std::uint64_t bytes, Nanoseconds now) {
  using enum TokenBucket::Reduction;
  if (pause_) return false;
  auto const ops = ops_ ? ops_->reduce(1, now) : Done;
  if (ops == TooFew) {
    pause_ = kPause;
    return false;
  }
  auto const bandwidth = bandwidth_ ? bandwidth_->reduce(bytes, now) : Done;
  if (bandwidth == TooFew) {
    if (ops_) ops_->give_back(1);
    pause_ = kPause;
    return false;
  }
  if (bandwidth == Overdrawn) pause_ = bandwidth_->overdraft();
  return true;
}

void RateLimiter::give_back(std::uint64_t bytes) {
  if (ops_) ops_->give_back(1);
  if (bandwidth_) bandwidth_->give_back(bytes);
}

void RateLimiter::update(RateLimiterConfig const& config, Nanoseconds now) {
  if (config.bandwidth) bandwidth_.emplace(*config.bandwidth, now);
  if (config.ops) ops_.emplace(*config.ops, now);
}

RateLimiterConfig RateLimiter::config() const {
  RateLimiterConfig config;
  if (bandwidth_) config.bandwidth = bandwidth_->config();
  if (ops_) config.ops = ops_->config();
  return config;
}

Result<std::unique_ptr<Throttle>> Throttle::create(Worker& worker, RateLimiterConfig const& config,
                                                   std::function<void()> on_resume) {
  auto timer = BH_TRY(Timer::create());
  std::unique_ptr<Throttle> throttle(
      new Throttle(worker, config, std::move(timer), std::move(on_resume)));
  Result<> watched;
  worker.run_and_wait([&, self = throttle.get()] {
    watched = worker.loop().watch(self->timer_.fd().get(), [self] {
      self->timer_.clear();
      self->limiter_.wake();
      self->on_resume_();
    });
  });
  if (!watched) return std::unexpected(std::move(watched).error());
  return throttle;
}

Throttle::Throttle(Worker& worker, RateLimiterConfig const& config, Timer timer,
                   std::function<void()> on_resume)
    : worker_(worker),
      limiter_(config, now()),
      timer_(std::move(timer)),
      on_resume_(std::move(on_resume)) {}

Throttle::~Throttle() {
  worker_.run_and_wait([this] { worker_.loop().forget(timer_.fd().get()); });
}

bool Throttle::consume(std::uint64_t bytes) {
  bool const was_blocked = limiter_.blocked();
  bool const passed = limiter_.consume(bytes, now());
  if (!was_blocked && limiter_.blocked()) timer_.set(limiter_.pause());
  return passed;
}

void Throttle::update(RateLimiterConfig const& config) {
  limiter_.update(config, now());
}

}  // namespace bh::vmm::virtio
