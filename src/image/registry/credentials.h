#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bh::image::registry {

struct Credentials {
  std::string user;
  std::string password;

  /// "USER:PASSWORD".
  static Result<Credentials> parse(std::string_view text);
  /// "Basic ..." (RFC 7617).
  std::string authorization() const;
};

/// What a file of `docker login` or `podman login` has for a repository of a registry: of its
/// longest entry that "REGISTRY/REPOSITORY" starts with. Helpers are not asked.
Result<std::optional<Credentials>> find_credentials(std::string_view file_text,
                                                    std::string const& registry,
                                                    std::string const& repository);

/// The same of the first of the usual files that has any: $REGISTRY_AUTH_FILE,
/// $XDG_RUNTIME_DIR/containers/auth.json, $DOCKER_CONFIG/config.json, ~/.docker/config.json.
Result<std::optional<Credentials>> usual_credentials(std::string const& registry,
                                                     std::string const& repository);

}  // namespace bh::image::registry
