#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace bh::image::build {

/// What --mount of RUN puts there for one command, and into no layer.
struct RunMount {
  enum class Kind : std::uint8_t { Bind, Cache, Memory, Secret };

  Kind kind = Kind::Bind;
  std::string id;         // Of a cache or secret.
  std::string from;       // A stage or image; empty for the context.
  std::string source;     // Within that.
  std::string target;     // Absolute or relative to the working folder; may be empty for a secret.
  std::string options;    // Of memory.
  std::string variable;   // A secret's, instead of or beside a file.
  bool locked = false;    // Nobody else has the cache meanwhile.
  bool required = false;  // There is no building without the secret.
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::optional<std::uint32_t> mode;
};

/// KEY=VALUE,... with type=bind|cache|tmpfs|secret, as in Docker's reference. Errc::Unsupported for
/// what that has and we do not.
Result<RunMount> parse_run_mount(std::string_view text);

}  // namespace bh::image::build
