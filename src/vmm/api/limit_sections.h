#pragma once

#include <optional>

#include "base/error.h"
#include "vmm/api/device_config.h"
#include "vmm/api/json.h"

namespace bh::vmm {

// null is the same as absent.

Result<> decode_bucket(JsonValue const& value, std::optional<TokenBucketConfig>& out);
Result<> decode_rate_limiter(JsonValue const& value, std::optional<RateLimiterConfig>& out);

}  // namespace bh::vmm
