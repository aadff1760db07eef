#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bh::jail {

/// A bit per capability, as in /proc/PID/status.
using CapabilityMask = std::uint64_t;

/// The five sets of capabilities(7).
struct CapabilitySets {
  CapabilityMask bounding = 0;
  CapabilityMask effective = 0;
  CapabilityMask permitted = 0;
  CapabilityMask inheritable = 0;
  CapabilityMask ambient = 0;
};

/// "CAP_SYS_ADMIN", in either case, to its number; nothing for a name we do not know.
std::optional<unsigned> capability_number(std::string_view name);
/// All names, in the order of their numbers.
std::vector<std::string_view> capability_names();

/// The number of the highest capability this kernel has.
Result<unsigned> last_capability();

/// Drops what is not in `sets` from the bounding set, and keeps the rest over the change of user
/// that follows. Needs CAP_SETPCAP.
Result<> limit_capabilities(CapabilitySets const& sets);
/// After the change of user: sets the other four. Of the ambient set, what is not also permitted
/// and inheritable is left out.
Result<> set_capabilities(CapabilitySets const& sets);

/// What the calling process could give to another: its permitted set, less what is not in its
/// bounding set.
CapabilityMask grantable_capabilities();
/// "CAP_KILL, CAP_CHOWN"; empty for no capability.
std::string capability_list(CapabilityMask mask);

}  // namespace bh::jail
