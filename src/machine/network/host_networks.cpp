#include "machine/network/host_networks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>

#include "net/address_pool.h"
#include "net/apply.h"
#include "net/host_name_servers.h"
#include "net/host_routes.h"
#include "net/links.h"
#include "net/names.h"

namespace bh::machine {

namespace {

/// Others than we must be able to read it, which a root need not allow.
std::string folder_of(Store const& store) {
  std::error_code error;
  auto const root = std::filesystem::canonical(store.root(), error).string();
  // The same digits as a device's, without its beginning.
  return "/run/bulkhead/net/" + net::bridge_name(root).substr(sizeof net::kBridgePrefix - 1);
}

bool has_supervisor(Record const& record) {
  return record.supervisor && os::lives(*record.supervisor);
}

std::string card_id(Card const& card) {
  return card.machine + "/" + card.network;
}

/// The `index`th card of a machine.
net::Attachment attachment_of(Record const& record, Card const& card, std::size_t index) {
  net::Attachment attachment{.machine = record.name,
                             .id = record.id,
                             .network = card.network,
                             .address = card.address,
                             .mac = net::mac_of(card_id(card)),
                             .name_space = card.name_space,
                             .device = fmt::format("eth{}", index),
                             .ports = {},
                             .rate_in = record.definition.rate_in,
                             .rate_out = record.definition.rate_out};
  // Of several networks the first has the ways in and out.
  if (index == 0) attachment.ports = record.definition.ports;
  return attachment;
}

/// Adds a machine's cards, and the networks they are in.
Result<> add_machine(Store& store, Record const& record, std::vector<Card> const& cards,
                     net::State& state) {
  for (std::size_t i = 0; i < cards.size(); ++i) {
    if (state.network(cards[i].network) == nullptr) {
      auto const network = BH_TRY(store.find_network(cards[i].network));
      state.networks.push_back(network.network);
    }
    state.attachments.push_back(attachment_of(record, cards[i], i));
  }
  return {};
}

}  // namespace

Result<std::uint64_t> own_host() {
  struct stat info{};
  if (::stat("/proc/self/ns/net", &info) != 0) return fail_errno("stat /proc/self/ns/net", errno);
  return info.st_ino;
}

Result<net::State> state_of(Store& store) {
  auto const host = BH_TRY(own_host());
  auto const records = BH_TRY(store.all());
  auto const cards = BH_TRY(store.cards());
  std::map<std::string, std::vector<Card>> plugged;
  for (auto const& card : cards) {
    if (card.host == host) plugged[card.machine].push_back(card);
  }
  net::State state;
  for (auto const& record : records) {
    auto const found = plugged.find(record.id);
    if (found == plugged.end() || !has_supervisor(record)) continue;
    BH_TRY(add_machine(store, record, found->second, state));
  }
  return state;
}

Result<> apply_networks(Store& store) {
  // A machine that dies in the middle of it is not in the state any more.
  constexpr int kTries = 3;
  auto const folder = folder_of(store);
  net::State state;
  Result<> done;
  for (int i = 0; i < kTries; ++i) {
    bool changed = false;
    done = net::apply(
        [&]() -> Result<net::State> {
          auto now = BH_TRY(state_of(store));
          changed = i == 0 || !(now == state);
          state = now;
          return now;
        },
        folder);
    if (done || !changed) break;
  }
  // Not if there is anything in it.
  ::rmdir(folder.c_str());
  return done;
}

Result<> plug_in(Store& store, Record const& record, os::ProcessIdentity const& supervisor,
                 std::string const& name_space, Result<net::HeldPorts> const& ports) {
  BH_TRY(net::need_root());
  auto const host = BH_TRY(own_host());
  auto const cards = BH_TRY(store.cards_of(record.id));
  net::State own;
  BH_TRY(add_machine(store, record, cards, own));
  BH_TRY(net::check_host(own));
  auto state = BH_TRY(state_of(store));
  BH_TRY(add_machine(store, record, cards, state));
  BH_TRY(net::check(state));
  // Which machine has a port is known by now, if one has it.
  if (!ports) return std::unexpected(Error(ports.error()));
  BH_TRY(store.plug_in(record.id, supervisor, host, name_space));
  auto done = apply_networks(store);
  if (done) return {};
  // What it has got already goes with it.
  BH_TRY(store.unplug(record.id));
  (void)apply_networks(store);
  return done;
}

Result<> rename_machine(Store& store, Record const& record, std::string const& name) {
  auto const host = BH_TRY(own_host());
  auto const cards = BH_TRY(store.cards_of(record.id));
  bool const plugged = std::ranges::any_of(cards, [&](Card const& one) { return one.host != 0; });
  if (plugged) BH_TRY(net::need_root());
  if (std::ranges::any_of(cards,
                          [&](Card const& one) { return one.host != 0 && one.host != host; })) {
    return fail(Errc::Busy, "it runs in networks of another host (network namespace); do it there");
  }
  BH_TRY(store.rename(record.id, name));
  return plugged ? apply_networks(store) : Result<>();
}

Result<> settle_networks(Store& store) {
  if (::geteuid() != 0) return {};
  auto const host = BH_TRY(own_host());
  auto const cards = BH_TRY(store.cards());
  std::vector<std::string> gone;
  for (auto const& card : cards) {
    if (card.host != host) continue;
    auto const record = store.find(card.machine);
    if (!record || !has_supervisor(*record)) gone.push_back(card.machine);
  }
  if (gone.empty()) return {};
  BH_TRY(apply_networks(store));
  for (auto const& id : gone) BH_TRY(store.unplug(id));
  return {};
}

Result<NetworkRecord> make_network(Store& store, net::Network network) {
  BH_TRY(net::need_root());
  auto links = BH_TRY(net::Links::open());
  auto const routes = BH_TRY(net::host_routes(links));
  // A subnet that was said has to be free; else one is chosen that is.
  BH_TRY(net::check_routes(network, routes));
  std::vector<net::Subnet> avoided;
  avoided.reserve(routes.size());
  for (auto const& route : routes) avoided.push_back(route.to);
  return store.add_network(std::move(network), avoided);
}

Result<> make_default_network(Store& store) {
  if (store.find_network(kDefaultNetwork)) return {};
  net::Network network;
  network.name = kDefaultNetwork;
  network.egress = net::Verdict::Deny;
  auto const made = make_network(store, network);
  // Somebody else may have been faster.
  if (made || made.error().code == Errc::Exists) return {};
  return std::unexpected(made.error());
}

Result<Wiring> wiring_of(Store& store, Record const& record, std::string const& name_space) {
  auto const cards = BH_TRY(store.cards_of(record.id));
  Wiring wiring{.cards = {}, .gateway = {}, .name_servers = {}, .name_space = name_space};
  for (auto const& card : cards) {
    auto const found = BH_TRY(store.find_network(card.network));
    auto const& network = found.network;
    auto const gateway = net::gateway_of(network.subnet);
    if (wiring.cards.empty()) wiring.gateway = gateway;
    if (network.names) {
      wiring.name_servers.push_back(gateway.text());
    } else if (wiring.cards.empty() && network.egress == net::Verdict::Allow) {
      wiring.name_servers = net::name_servers_for_machines(net::host_name_servers());
    }
    wiring.cards.push_back({.link = net::link_name(record.id, card.network),
                            .mac = net::mac_of(card_id(card)),
                            .address = {card.address, network.subnet.length}});
  }
  return wiring;
}

}  // namespace bh::machine
