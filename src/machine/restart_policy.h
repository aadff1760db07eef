#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace bh::machine {

/// What happens when a machine has ended by itself.
struct RestartPolicy {
  enum class When : std::uint8_t { No, OnFailure, Always, UnlessStopped };

  When when = When::No;
  std::optional<std::uint64_t> most;  // Of restarts in all, with OnFailure.

  /// "no", "on-failure[:N]", "always" or "unless-stopped", as docker has them.
  static Result<RestartPolicy> parse(std::string_view text);
  std::string text() const;

  /// Whether a machine that ended with this status, after so many restarts, starts again.
  bool wants_restart(int status, std::uint64_t restarts) const;

  bool operator==(RestartPolicy const&) const = default;
};

}  // namespace bh::machine
