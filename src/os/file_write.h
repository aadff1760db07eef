#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::os {

/// Writes all of `bytes`, where the file stands or at `offset`.
Result<> write_all(UniqueFd const& file, std::span<std::byte const> bytes);
Result<> write_at(UniqueFd const& file, std::span<std::byte const> bytes, std::uint64_t offset);

}  // namespace bh::os
