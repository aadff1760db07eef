#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "machine/store/store.h"
#include "machine/wiring.h"
#include "net/host_port.h"
#include "net/state.h"

namespace bh::machine {

/// The network namespace that this process is in, as cards name it (store/network_record.h).
Result<std::uint64_t> own_host();

/// What networks this host shall have: the cards plugged into it of machines whose supervisor
/// lives, and the networks they are in. One that no machine runs in is not made.
Result<net::State> state_of(Store& store);

/// Makes it so. Needs root.
Result<> apply_networks(Store& store);

/// The same for a machine that is about to start. `ports` are those it publishes, held, or why not
/// all of them are. Errc::Busy or Errc::Exists if the host has no room for it: nothing is changed
/// then.
Result<> plug_in(Store& store, Record const& record, os::ProcessIdentity const& supervisor,
                 std::string const& name_space, Result<net::HeldPorts> const& ports);

/// Gives a machine another name, by which its networks know it from then on, too.
Result<> rename_machine(Store& store, Record const& record, std::string const& name);

/// Takes away cards whose machine's supervisor is gone, if there are any.
Result<> settle_networks(Store& store);

/// Adds a network where the host has room for it (Store::add_network). Needs root.
Result<NetworkRecord> make_network(Store& store, net::Network network);
/// Makes kDefaultNetwork, if it is not there.
Result<> make_default_network(Store& store);

/// Of a machine with cards.
Result<Wiring> wiring_of(Store& store, Record const& record, std::string const& name_space);

}  // namespace bh::machine
