#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace bh::machine {

// Takes no room before it is written to.
inline constexpr std::uint64_t kDefaultDiskMib = 10'240;

/// Makes a file with an empty ext4 file system, unless there is one: by mke2fs, of e2fsprogs.
Result<> make_writable_disk(std::string const& path, std::uint64_t mib);

}  // namespace bh::machine
