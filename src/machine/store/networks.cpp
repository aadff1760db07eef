// Managed networks, and the cards of machines in them.
#include <boost/json/serialize.hpp>

#include "machine/store/store.h"
#include "net/address_pool.h"
#include "net/names.h"
#include "net/state_json.h"

namespace bh::machine {

namespace {

// Networks whose subnet nobody has chosen.
constexpr net::Subnet kPool{.first = {10U << 24 | 208U << 16}, .length = 12};
constexpr unsigned kPoolLength = 24;
constexpr unsigned kNoSubnet = 32;

Result<NetworkRecord> network_of(Statement const& row) {
  auto network = net::parse_network(row.text(0));
  if (!network) return std::unexpected(std::move(network).error().while_doing("read a network"));
  return NetworkRecord{.network = std::move(*network), .created = row.number(1)};
}

Result<Card> card_of(Statement const& row) {
  auto const address = BH_TRY(net::Ipv4Address::parse(row.text(2)));
  return Card{.machine = row.text(0),
              .network = row.text(1),
              .address = address,
              .host = static_cast<std::uint64_t>(row.number(3)),
              .name_space = row.text(4)};
}

}  // namespace

Result<std::vector<NetworkRecord>> Store::networks() {
  auto query =
      BH_TRY(database_.prepare("SELECT definition, created FROM networks ORDER BY created, rowid"));
  std::vector<NetworkRecord> networks;
  while (true) {
    bool const more = BH_TRY(query.step());
    if (!more) return networks;
    auto network = BH_TRY(network_of(query));
    networks.push_back(std::move(network));
  }
}

Result<NetworkRecord> Store::find_network(std::string_view name) {
  auto query = BH_TRY(database_.prepare("SELECT definition, created FROM networks WHERE name = ?"));
  query.bind(1, name);
  bool const there = BH_TRY(query.step());
  if (there) return network_of(query);
  return fail(Errc::NotFound, "no network \"" + std::string(name) +
                                  "\" (`bulkhead network ls` lists them, `network create` makes "
                                  "one)");
}

Result<NetworkRecord> Store::add_network(net::Network network,
                                         std::span<net::Subnet const> avoided) {
  auto transaction = BH_TRY(Transaction::begin(database_));
  net::State state;
  auto taken = std::vector(avoided.begin(), avoided.end());
  auto const there = BH_TRY(networks());
  for (auto const& one : there) {
    if (one.network.name == network.name) {
      return fail(Errc::Exists, "network " + network.name +
                                    " is there already (`bulkhead network " + "inspect " +
                                    network.name + "` shows it)");
    }
    state.networks.push_back(one.network);
    taken.push_back(one.network.subnet);
  }
  if (network.subnet.length == kNoSubnet) {
    network.subnet = BH_TRY(net::choose_subnet(kPool, kPoolLength, taken));
  }
  state.networks.push_back(network);
  BH_TRY(net::check(state));
  NetworkRecord record{.network = std::move(network), .created = now()};
  auto insert = BH_TRY(
      database_.prepare("INSERT INTO networks (name, definition, created) VALUES (?, ?, ?)"));
  insert.bind(1, record.network.name);
  insert.bind(2, std::string_view(boost::json::serialize(net::json_of(record.network))));
  insert.bind(3, record.created);
  BH_TRY(insert.run());
  BH_TRY(transaction.commit());
  return record;
}

Result<> Store::remove_network(std::string const& name) {
  auto transaction = BH_TRY(Transaction::begin(database_));
  BH_TRY(find_network(name));
  auto const all = BH_TRY(cards());
  for (auto const& card : all) {
    auto const machine = find(card.machine);
    if (card.network != name || !machine) continue;
    return fail(Errc::Busy, "network " + name + " is used by machine " + machine->name +
                                " (`bulkhead rm " + machine->name + "` first)");
  }
  auto drop = BH_TRY(database_.prepare("DELETE FROM networks WHERE name = ?"));
  drop.bind(1, name);
  BH_TRY(drop.run());
  return transaction.commit();
}

Result<std::vector<Card>> Store::select_cards(std::string_view condition, std::string_view value) {
  auto query =
      BH_TRY(database_.prepare("SELECT machine, network, address, host, name_space FROM cards " +
                               std::string(condition) + " ORDER BY rowid"));
  if (!value.empty()) query.bind(1, value);
  std::vector<Card> cards;
  while (true) {
    bool const more = BH_TRY(query.step());
    if (!more) return cards;
    auto card = BH_TRY(card_of(query));
    cards.push_back(std::move(card));
  }
}

Result<std::vector<Card>> Store::cards() {
  return select_cards({}, {});
}

Result<std::vector<Card>> Store::cards_of(std::string const& id) {
  return select_cards("WHERE machine = ?", id);
}

Result<> Store::add_cards(Record const& record) {
  for (auto const& wish : record.definition.networks) {
    BH_TRY(net::check_name(record.name));
    auto const network = BH_TRY(find_network(wish.name));
    auto const others = BH_TRY(select_cards("WHERE network = ?", wish.name));
    std::vector<net::Ipv4Address> taken;
    for (auto const& other : others) {
      taken.push_back(other.address);
      auto const machine = find(other.machine);
      if (wish.address != other.address || !machine) continue;
      return fail(Errc::Exists, "address " + wish.address->text() + " of network " + wish.name +
                                    " is machine " + machine->name + "'s");
    }
    auto const& subnet = network.network.subnet;
    if (wish.address && !net::may_be_given(subnet, *wish.address)) {
      return fail(Errc::Invalid, "address " + wish.address->text() +
                                     " is none for machines of network " + wish.name + " (" +
                                     subnet.text() + ")");
    }
    auto const address = wish.address ? *wish.address : net::choose_address(subnet, taken);
    if (!address) return std::unexpected(address.error());
    auto insert = BH_TRY(database_.prepare(
        "INSERT OR REPLACE INTO cards (machine, network, address) VALUES (?, ?, ?)"));
    insert.bind(1, record.id);
    insert.bind(2, wish.name);
    insert.bind(3, std::string_view(address->text()));
    BH_TRY(insert.run());
  }
  return {};
}

Result<> Store::check_joined_name(std::string const& id, std::string const& name) {
  auto const cards = BH_TRY(cards_of(id));
  if (cards.empty()) return {};
  return net::check_name(name);
}

Result<> Store::plug_in(std::string const& id, os::ProcessIdentity const& supervisor,
                        std::uint64_t host, std::string const& name_space) {
  auto transaction = BH_TRY(Transaction::begin(database_));
  BH_TRY(set_supervisor(id, supervisor));
  auto update =
      BH_TRY(database_.prepare("UPDATE cards SET host = ?2, name_space = ?3 WHERE machine = ?1"));
  update.bind(1, id);
  update.bind(2, static_cast<std::int64_t>(host));
  update.bind(3, name_space);
  BH_TRY(update.run());
  return transaction.commit();
}

Result<> Store::unplug(std::string const& id) {
  for (auto const* const statement :
       {"UPDATE cards SET host = 0, name_space = '' WHERE machine = ?",
        "DELETE FROM cards WHERE machine = ? AND machine NOT IN (SELECT id FROM machines)"}) {
    auto change = BH_TRY(database_.prepare(statement));
    change.bind(1, id);
    BH_TRY(change.run());
  }
  return {};
}

}  // namespace bh::machine
