#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "os/id_map.h"

namespace bh::os {

/// The ids that this process's user may have in a user namespace of its own.
struct OwnIds {
  /// The user itself is 0; what /etc/subuid and /etc/subgid give comes from 1 on.
  IdMaps maps;
  /// Why there is none but 0, in words that say what to do; empty: there are others.
  std::string only_one;
};

Result<OwnIds> own_ids();

/// The ranges that a file like /etc/subuid (subuid(5)) gives the user of that name or number, one
/// after the other from 1 on. Lines that are no ranges are left out.
std::vector<IdMapping> subordinate_ids(std::string_view text, std::string_view name,
                                       std::uint32_t id);

}  // namespace bh::os
