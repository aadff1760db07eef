#pragma once

#include "cli/command.h"
#include "net/state.h"

namespace bh::cli {

extern Command const kNet;

extern Command const kNetApply;
extern Command const kNetExplain;
extern Command const kNetReconcile;
extern Command const kNetRemove;
extern Command const kNetRules;

/// The state in the file `path`, or on standard input if that is "-".
Result<net::State> read_state(std::string const& path);

}  // namespace bh::cli
