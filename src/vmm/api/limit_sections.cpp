#include "vmm/api/limit_sections.h"

#include <limits>

#include "vmm/api/fields.h"

namespace bh::vmm {

namespace {

constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();

constexpr Field<TokenBucketConfig> kBucketFields[] = {
    {"size", Need::Required,
     [](JsonValue const& value, TokenBucketConfig& out) {
       return decode_unsigned(value, kAny, "u64", out.size);
     }},
    {"one_time_burst", Need::Optional,
     [](JsonValue const& value, TokenBucketConfig& out) -> Result<> {
       if (is_null(value)) return {};
       return decode_unsigned(value, kAny, "u64", out.one_time_burst);
     }},
    {"refill_time", Need::Required,
     [](JsonValue const& value, TokenBucketConfig& out) {
       return decode_unsigned(value, kAny, "u64", out.refill_time_ms);
     }},
};

constexpr Field<RateLimiterConfig> kLimiterFields[] = {
    {"bandwidth", Need::Optional,
     [](JsonValue const& value, RateLimiterConfig& out) {
       return decode_bucket(value, out.bandwidth);
     }},
    {"ops", Need::Optional,
     [](JsonValue const& value, RateLimiterConfig& out) { return decode_bucket(value, out.ops); }},
};

}  // namespace

Result<> decode_bucket(JsonValue const& value, std::optional<TokenBucketConfig>& out) {
  if (is_null(value)) return {};
  return decode_object(value, "struct TokenBucketConfig", kBucketFields, out.emplace());
}

Result<> decode_rate_limiter(JsonValue const& value, std::optional<RateLimiterConfig>& out) {
  if (is_null(value)) return {};
  return decode_object(value, "struct RateLimiterConfig", kLimiterFields, out.emplace());
}

}  // namespace bh::vmm
