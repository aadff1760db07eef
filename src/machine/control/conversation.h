#pragma once

#include <optional>

#include "base/error.h"
#include "machine/control/client.h"

namespace bh::machine {

struct ConversationOptions {
  bool terminal = false;      // The other end is one: ours, if we have one, is raw.
  bool input = false;         // Our standard input is passed on.
  bool pass_signals = false;  // Signals that we get are the command's.
};

/// Carries our standard files to and from a session that `connection` has asked for, until that
/// ends: the command's exit status. Nothing if the person at the terminal has typed Ctrl-P Ctrl-Q,
/// which leaves the command running.
Result<std::optional<int>> converse(Connection& connection, ConversationOptions const& options);

}  // namespace bh::machine
