#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "net/host_port.h"
#include "net/state.h"

namespace bh::net {

/// Errc::Denied, with what there is instead, for who may not make managed networks.
Result<> need_root();

/// Whether the host has room for what the state names: Errc::Exists for routes to where a network
/// would be. Of what is new in a state, before it is applied.
Result<> check_host(State const& state);
/// Takes the ports that it publishes (host_port.h). Errc::Busy for those that somebody has.
Result<HeldPorts> hold_ports(State const& state);

/// Makes the managed networks of this process's network namespace what the state says, and takes
/// away what it does not name: devices, addresses, rules. What is right already stays, with its
/// connections. Needs root.
///
/// `state_now` is asked when it is this process's turn: nobody else changes the namespace's
/// networks then. Who is killed on the way leaves nothing open, and the next call makes it right.
/// `folder` (an absolute path that others may read) has what name servers need; networks that
/// another folder is for are Errc::Busy.
Result<> apply(std::function<Result<State>()> const& state_now, std::string const& folder);

/// The state without attachments whose namespace is gone. `gone` are the machines left out.
State without_gone(State const& state, std::vector<std::string>& gone);

}  // namespace bh::net
