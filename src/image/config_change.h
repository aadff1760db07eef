#pragma once

#include <string_view>

#include "base/error.h"
#include "image/config.h"

namespace bh::image {

/// Does to a config what a line of a Dockerfile would: CMD, ENTRYPOINT, ENV, WORKDIR, USER, EXPOSE,
/// LABEL, VOLUME, STOPSIGNAL. Errc::Invalid with what the line should look like.
Result<> apply_change(ImageConfig& config, std::string_view line);

}  // namespace bh::image
