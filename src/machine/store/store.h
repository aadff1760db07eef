#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "machine/store/database.h"
#include "machine/store/network_record.h"
#include "machine/store/record.h"

namespace bh::machine {

/// What is known of all machines (docs/design/machines.md): ROOT/state.db. One thread, any number
/// of processes. Each change is one transaction, with an event that tells of it.
class Store {
 public:
  /// Makes what is not there.
  static Result<Store> open(std::string const& root);

  std::string const& root() const { return root_; }
  /// Where files of a machine are; made when it starts for the first time.
  std::string folder_of(std::string const& id) const { return root_ + "/machines/" + id; }

  /// A new machine, the volumes it names that are not there, and a card in each network it joins.
  /// `name` empty: one is made. Errc::Exists if it is taken.
  Result<Record> add(Definition const& definition, std::string const& name);
  /// The machine of that name or id, or whose id alone starts so. Errc::NotFound says what to do.
  Result<Record> find(std::string_view text);
  /// In order of their creation.
  Result<std::vector<Record>> all();

  Result<> rename(std::string const& id, std::string const& name);
  Result<> change(std::string const& id, Definition const& definition);
  Result<> remove(std::string const& id);

  // Volumes. What is in one is in the folder `data` there, which is made when it is used first.
  std::string folder_of_volume(std::string const& name) const { return root_ + "/volumes/" + name; }
  /// One that is there stays as it is. Without a name it gets one, and is anonymous.
  Result<Volume> add_volume(Volume volume);
  Result<std::vector<Volume>> volumes();
  Result<Volume> find_volume(std::string const& name);
  Result<std::vector<Record>> users_of(Volume const& volume);
  /// With all that is in it. Errc::Busy while there is a machine that uses it.
  Result<> remove_volume(std::string const& name);
  /// Those that were made for a machine of this definition and no other has.
  Result<> remove_anonymous_volumes(Definition const& definition);
  /// Removes what was left when somebody was killed on the way.
  Result<> sweep_volumes();

  // Secrets (docs/design/machines.md).
  /// `value` is not empty and not larger than kLargestSecret. Errc::Exists if there is one of that
  /// name, unless it is to be replaced: machines have the new value when they start the next time.
  enum class Replace : std::uint8_t { No, Yes };
  Result<Secret> add_secret(Secret secret, std::string_view value, Replace replace);
  Result<std::vector<Secret>> secrets();
  /// By name or id. Errc::NotFound says what to do.
  Result<Secret> find_secret(std::string_view text);
  Result<std::vector<Record>> users_of(Secret const& secret);
  /// Errc::Busy while there is a machine that has it.
  Result<> remove_secret(std::string_view text);
  Result<std::string> read_secret(Secret const& secret);
  /// What the machine of this definition gets.
  Result<std::vector<SecretValue>> secrets_of(Definition const& definition);
  /// Removes what was left when somebody was killed on the way.
  Result<> sweep_secrets();

  // By a machine's supervisor, or in the place of one that is dead.
  Result<> set_supervisor(std::string const& id, os::ProcessIdentity const& supervisor);
  /// `restarts` is how often it was started again by itself.
  Result<> set_running(std::string const& id, std::uint64_t restarts);
  Result<> set_paused(std::string const& id, bool paused);
  /// The run is over; the supervisor stays.
  Result<> set_ended(std::string const& id, End const& end);
  /// What probes say. `action` and its detail make an event; empty: none.
  Result<> set_health(std::string const& id, HealthReport const& report, std::string_view action,
                      std::string_view detail);
  /// There is no supervisor any more.
  Result<> release(std::string const& id);

  /// In order of their creation.
  Result<std::vector<NetworkRecord>> networks();
  /// Errc::NotFound says what to do.
  Result<NetworkRecord> find_network(std::string_view name);
  /// A subnet of length 32 stands for any: one of ours that has none of `avoided` in it.
  Result<NetworkRecord> add_network(net::Network network, std::span<net::Subnet const> avoided);
  /// Errc::Busy, with a machine's name, if there are any in it.
  Result<> remove_network(std::string const& name);
  /// Of all machines, and of such as are gone but plugged in still.
  Result<std::vector<Card>> cards();
  /// In the order in which the machine's networks were given.
  Result<std::vector<Card>> cards_of(std::string const& id);
  /// The machine has this supervisor, and its cards are on that host (store/network_record.h).
  Result<> plug_in(std::string const& id, os::ProcessIdentity const& supervisor, std::uint64_t host,
                   std::string const& name_space);
  Result<> unplug(std::string const& id);

  Result<> add_event(Record const& machine, std::string_view action, std::string_view detail);
  /// Those with larger numbers, the oldest first.
  Result<std::vector<Event>> events_after(std::int64_t number);

 private:
  Store(Database database, std::string root)
      : database_(std::move(database)), root_(std::move(root)) {}

  Result<> insert_volume(Volume const& volume);
  Result<> insert_volumes(Definition& definition);
  std::string folder_of_secrets() const { return root_ + "/secrets"; }
  Result<std::vector<std::string>> lost_secrets();
  Result<std::vector<Record>> select(std::string_view condition, std::string_view value);
  Result<std::vector<Card>> select_cards(std::string_view condition, std::string_view value);
  Result<> add_cards(Record const& record);
  Result<> check_joined_name(std::string const& id, std::string const& name);
  Result<> set_state(std::string const& id, State state, std::string_view action);
  Result<> note(std::string const& id, std::string_view action, std::string_view detail);

  Database database_;
  std::string root_;
};

}  // namespace bh::machine
