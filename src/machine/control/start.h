#pragma once

#include <string>

#include "base/error.h"
#include "machine/store/record.h"
#include "machine/supervise/supervisor.h"

namespace bh::machine {

/// Starts a machine's bulkhead-supervise, which has nothing of ours and outlives us, and waits
/// until the machine has started, or waits for who attaches. Errc::NotFound and Errc::Denied are
/// about the machine's command.
Result<> start_supervisor(std::string const& root, std::string const& id, Start start);

}  // namespace bh::machine
