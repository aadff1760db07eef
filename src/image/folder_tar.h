#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/error.h"

namespace bh::image {

enum class Owners : std::uint8_t { AsTheyAre, Root };

/// Writes a tar of all that is below `folder`, the folder itself as "./": in the order of names, so
/// that the same files give the same tar. Sockets, devices and other file systems are left out.
Result<> tar_folder(std::string const& folder, Owners owners,
                    std::function<Result<>(std::span<std::byte const>)> const& write);

}  // namespace bh::image
