#include "net/apply.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>
#include <utility>

#include "net/address_pool.h"
#include "net/firewall.h"
#include "net/host_routes.h"
#include "net/links.h"
#include "net/name_server.h"
#include "net/names.h"
#include "net/policy.h"
#include "net/ruleset.h"
#include "os/file.h"
#include "os/file_lock.h"
#include "os/folder.h"
#include "os/text_file.h"

namespace bh::net {

namespace {

Result<> set_kernel(std::string const& name, std::string_view value) {
  auto const path = "/proc/sys/net/" + name;
  auto const now = BH_TRY(os::read_text_at(AT_FDCWD, path, 64));
  if (now == std::string(value) + "\n") return {};
  return os::write_text_at(AT_FDCWD, path, value);
}

Result<Link> link_that_is(Links& links, std::string const& name) {
  auto link = BH_TRY(links.find(name));
  if (!link) return fail(Errc::NotFound, "device " + name + " is gone again; try again");
  return *link;
}

bool publishes_on_loopback(State const& state, Network const& network) {
  return std::ranges::any_of(state.attachments, [&](Attachment const& one) {
    return one.network == network.name &&
           std::ranges::any_of(one.ports, [](PublishedPort const& port) {
             return port.host_address.is_loopback() || port.host_address == kAnyAddress;
           });
  });
}

LinkAddress gateway_in(Network const& network) {
  return {gateway_of(network.subnet), network.subnet.length};
}

/// A device with another address than it shall have is of an earlier state.
Result<bool> has_other_address(Links& links, Link const& link, LinkAddress const& wanted) {
  auto const addresses = BH_TRY(links.addresses(link));
  return std::ranges::any_of(addresses, [&](auto const& one) { return one != wanted; });
}

/// What people see beside a bridge's name, and we look at to know whose it is.
std::string words_of(Network const& network, std::string const& folder) {
  return fmt::format("bulkhead network {} ({})", network.name, folder);
}

/// The folder in such words; empty if there is none.
std::string_view folder_in(std::string_view words) {
  auto const open = words.find(" (");
  if (open == words.npos || !words.ends_with(')')) return {};
  return words.substr(open + 2, words.size() - open - 3);
}

/// All networks of a namespace are in one state, or who applies one would remove those of another.
Result<> check_owner(Links& links, std::string const& folder) {
  auto const all = BH_TRY(links.all());
  for (auto const& link : all) {
    auto const owner = is_our_bridge(link.name) ? folder_in(link.words) : std::string_view();
    if (owner.empty() || owner == folder) continue;
    return fail(Errc::Busy,
                fmt::format("this host's managed networks are others' ({}: {}): stop the machines "
                            "in them (with their --root), or `bulkhead net remove --run {}`",
                            link.name, link.words, owner));
  }
  return {};
}

Result<> make_bridge(Links& links, State const& state, Network const& network,
                     std::string const& folder) {
  auto const name = bridge_name(network.name);
  auto const there = BH_TRY(links.find(name));
  if (there) {
    bool const old = BH_TRY(has_other_address(links, *there, gateway_in(network)));
    if (old) BH_TRY(links.remove(*there));
  }
  BH_TRY(links.add_bridge(name, mac_of(network.name)));
  auto const bridge = BH_TRY(link_that_is(links, name));
  BH_TRY(links.describe(bridge, words_of(network, folder)));
  // The host has no IPv6 with its machines; not every kernel has any.
  (void)set_kernel("ipv6/conf/" + name + "/disable_ipv6", "1");
  // The firewall is there already (ruleset.cpp, "early"), and has to be.
  BH_TRY(set_kernel("ipv4/conf/" + name + "/route_localnet",
                    publishes_on_loopback(state, network) ? "1" : "0"));
  BH_TRY(links.add_address(bridge, gateway_in(network)));
  return links.set_up(bridge);
}

/// The machine's end of a pair of devices.
Result<> furnish(State const& state, Attachment const& attachment, os::UniqueFd const& space) {
  auto inside = BH_TRY(Links::open_in(space));
  auto const& network = *state.network(attachment.network);
  auto const card = BH_TRY(link_that_is(inside, attachment.device));
  auto const loopback = BH_TRY(link_that_is(inside, "lo"));
  BH_TRY(inside.set_up(loopback));
  BH_TRY(inside.add_address(card, {attachment.address, network.subnet.length}));
  BH_TRY(inside.set_up(card));
  if (state.machine(attachment.machine) != &attachment) return {};
  return inside.set_way_out(card, gateway_of(network.subnet));
}

/// Whether the card of a pair is the one that the state means, and not one of the machine before
/// its restart, or of an earlier state.
Result<bool> is_right(Links& inside, State const& state, Attachment const& attachment) {
  auto const card = BH_TRY(inside.find(attachment.device));
  if (!card || card->mac != attachment.mac) return false;
  LinkAddress const wanted{attachment.address, state.network(attachment.network)->subnet.length};
  bool const other = BH_TRY(has_other_address(inside, *card, wanted));
  return !other;
}

Result<> make_pair(Links& links, State const& state, Attachment const& attachment) {
  auto const space = BH_TRY(os::open_file(attachment.name_space, O_RDONLY));
  auto const name = link_name(attachment.id, attachment.network);
  auto inside = BH_TRY(Links::open_in(space));
  auto const here = BH_TRY(links.find(name));
  bool right = false;
  if (here) {
    right = BH_TRY(is_right(inside, state, attachment));
    if (!right) BH_TRY(links.remove(*here));
  }
  if (!right) {
    auto const card = BH_TRY(inside.find(attachment.device));
    if (card) {
      return fail(Errc::Exists, fmt::format("{} has a device {} already, which is not ours",
                                            attachment.name_space, attachment.device));
    }
    BH_TRY(links.add_pair(name, attachment.device, attachment.mac, space));
  }
  return furnish(state, attachment, space);
}

Result<> attach(Links& links, State const& state, Attachment const& attachment) {
  auto const name = link_name(attachment.id, attachment.network);
  if (attachment.name_space.empty()) {
    auto const there = BH_TRY(links.find(name));
    if (!there) BH_TRY(add_tap(name));
  } else {
    BH_TRY(make_pair(links, state, attachment));
  }
  auto const link = BH_TRY(link_that_is(links, name));
  auto const bridge = BH_TRY(link_that_is(links, bridge_name(attachment.network)));
  BH_TRY(links.describe(
      link, fmt::format("bulkhead machine {} in {}", attachment.machine, attachment.network)));
  (void)set_kernel("ipv6/conf/" + name + "/disable_ipv6", "1");
  BH_TRY(links.join_bridge(link, bridge.index));
  return links.set_up(link);
}

/// Devices of ours that the state does not name, cards before their bridges.
Result<> remove_rest(Links& links, State const& state) {
  std::set<std::string> wanted;
  for (auto const& network : state.networks) wanted.insert(bridge_name(network.name));
  for (auto const& one : state.attachments) wanted.insert(link_name(one.id, one.network));
  auto const all = BH_TRY(links.all());
  for (auto const is_ours : {is_our_link, is_our_bridge}) {
    for (auto const& link : all) {
      if (is_ours(link.name) && !wanted.contains(link.name)) BH_TRY(links.remove(link));
    }
  }
  return {};
}

/// Sets of addresses that no rule has any more.
Result<> remove_old_name_sets(State const& state) {
  auto const there = BH_TRY(name_sets());
  std::set<std::string> wanted;
  for (auto const& rule : policy_of(state).forward) wanted.insert(rule.name_set);
  std::vector<std::string> old;
  for (auto const& [name, addresses] : there) {
    if (!wanted.contains(name)) old.push_back(name);
  }
  return old.empty() ? Result<>() : run_transaction(without_sets(old));
}

/// Waits until machines in namespaces reach each other. The kernel notices by and by that a cable
/// is plugged in, at most once a second. A machine that took its card down is not waited for
/// longer.
Result<> wait_for_cards(Links& links, State const& state) {
  constexpr int kMostTurns = 150;
  constexpr auto kTurn = std::chrono::milliseconds(10);
  std::set<std::string> waiting;
  for (auto const& one : state.attachments) {
    if (!one.name_space.empty()) waiting.insert(link_name(one.id, one.network));
  }
  for (int turn = 0; turn < kMostTurns && !waiting.empty(); ++turn) {
    if (turn != 0) std::this_thread::sleep_for(kTurn);
    auto const all = BH_TRY(links.all());
    for (auto const& link : all) {
      if (link.forwards) waiting.erase(link.name);
    }
  }
  return {};
}

}  // namespace

Result<> need_root() {
  if (::geteuid() == 0) return {};
  return fail(Errc::Denied,
              "managed networks need root (use sudo, or a user network: run --network user)");
}

Result<> check_host(State const& state) {
  auto links = BH_TRY(Links::open());
  auto const routes = BH_TRY(host_routes(links));
  for (auto const& network : state.networks) BH_TRY(check_routes(network, routes));
  return {};
}

Result<HeldPorts> hold_ports(State const& state) {
  HeldPorts held;
  for (auto const& attachment : state.attachments) {
    for (auto const& port : attachment.ports) {
      auto one = hold_port(port);
      if (!one) {
        return std::unexpected(std::move(one).error().while_doing("machine " + attachment.machine));
      }
      held.push_back(std::move(*one));
    }
  }
  return held;
}

Result<> apply(std::function<Result<State>()> const& state_now, std::string const& folder) {
  BH_TRY(need_root());
  BH_TRY(os::make_folders(folder));
  auto name_space = BH_TRY(os::open_file("/proc/self/ns/net", O_RDONLY));
  auto const turn = BH_TRY(os::FileLock::lock(std::move(name_space), os::LockKind::Exclusive));
  auto const state = BH_TRY(state_now());
  BH_TRY(check(state));
  auto const servers = folder + "/names";
  auto links = BH_TRY(Links::open());
  BH_TRY(check_owner(links, folder));
  if (state.networks.empty()) {
    BH_TRY(apply_name_servers(state, servers));
    ::rmdir(servers.c_str());
    // The rules go last: without them a bridge would be open.
    BH_TRY(remove_rest(links, state));
    return run_transaction(empty_ruleset());
  }
  BH_TRY(run_transaction(ruleset_of(state)));
  BH_TRY(remove_old_name_sets(state));
  BH_TRY(set_kernel("ipv4/ip_forward", "1"));
  BH_TRY(remove_rest(links, state));
  for (auto const& network : state.networks) {
    auto made = make_bridge(links, state, network, folder);
    if (made) continue;
    return std::unexpected(std::move(made).error().while_doing("network " + network.name));
  }
  for (auto const& attachment : state.attachments) {
    auto made = attach(links, state, attachment);
    if (made) continue;
    return std::unexpected(std::move(made).error().while_doing("machine " + attachment.machine));
  }
  BH_TRY(apply_name_servers(state, servers));
  return wait_for_cards(links, state);
}

State without_gone(State const& state, std::vector<std::string>& gone) {
  State rest{.networks = state.networks, .attachments = {}};
  for (auto const& attachment : state.attachments) {
    if (attachment.name_space.empty() || ::access(attachment.name_space.c_str(), F_OK) == 0) {
      rest.attachments.push_back(attachment);
    } else {
      gone.push_back(attachment.machine);
    }
  }
  return rest;
}

}  // namespace bh::net
