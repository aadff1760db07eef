#include "machine/store/store.h"

#include <boost/json/serialize.hpp>

#include "machine/definition_json.h"
#include "machine/machine_name.h"
#include "machine/store/schema.h"
#include "os/folder.h"

namespace bh::machine {

namespace {

constexpr char kColumns[] =
    "SELECT id, name, definition, state, created, started, ended, exit_status, reason, detail,"
    " restarts, supervisor, supervisor_start, health, ready, health_detail FROM machines ";

// A name that is made is taken rarely, unless somebody has thousands of machines.
constexpr int kNameTries = 100;

Result<Record> record_of(Statement const& row) {
  Record record;
  record.id = row.text(0);
  record.name = row.text(1);
  auto definition = parse_definition(row.text(2));
  if (!definition) {
    return std::unexpected(
        std::move(definition).error().while_doing("read machine " + record.name));
  }
  record.definition = std::move(*definition);
  record.state = BH_TRY(parse_state(row.text(3)));
  record.created = row.number(4);
  record.started = row.number(5);
  record.ended = row.number(6);
  if (auto const status = row.maybe_number(7)) record.exit_status = static_cast<int>(*status);
  record.reason = BH_TRY(parse_reason(row.text(8)));
  record.detail = row.text(9);
  record.restarts = static_cast<std::uint64_t>(row.number(10));
  if (auto const pid = row.maybe_number(11)) {
    record.supervisor = os::ProcessIdentity{
        .pid = static_cast<pid_t>(*pid), .start_time = static_cast<std::uint64_t>(row.number(12))};
  }
  record.health = {.live = row.text(13), .ready = row.text(14), .detail = row.text(15)};
  return record;
}

}  // namespace

Result<Store> Store::open(std::string const& root) {
  BH_TRY(os::make_folders(root));
  auto database = BH_TRY(Database::open(root + "/state.db"));
  BH_TRY(migrate(database));
  return Store(std::move(database), root);
}

Result<std::vector<Record>> Store::select(std::string_view condition, std::string_view value) {
  auto query = BH_TRY(database_.prepare(std::string(kColumns) + std::string(condition)));
  if (!value.empty()) query.bind(1, value);
  std::vector<Record> records;
  while (true) {
    bool const more = BH_TRY(query.step());
    if (!more) return records;
    auto record = BH_TRY(record_of(query));
    records.push_back(std::move(record));
  }
}

Result<std::vector<Record>> Store::all() {
  return select("ORDER BY created, rowid", {});
}

Result<Record> Store::find(std::string_view text) {
  auto named = BH_TRY(select("WHERE name = ?1 OR id = ?1 ORDER BY name = ?1 DESC", text));
  if (!named.empty()) return std::move(named.front());
  bool const digits = text.find_first_not_of("0123456789abcdef") == text.npos;
  if (!text.empty() && digits) {
    auto found = BH_TRY(select("WHERE substr(id, 1, length(?1)) = ?1", text));
    if (found.size() == 1) return std::move(found.front());
    if (found.size() > 1) {
      return fail(Errc::Invalid,
                  "machine \"" + std::string(text) + "\": several ids start so; give more digits");
    }
  }
  return fail(Errc::NotFound,
              "no machine \"" + std::string(text) + "\" (`bulkhead ps -a` lists them)");
}

Result<Record> Store::add(Definition const& definition, std::string const& name) {
  if (!name.empty()) BH_TRY(check_name(name));
  auto transaction = BH_TRY(Transaction::begin(database_));
  Record record{.id = random_id(), .name = name, .definition = definition, .created = now()};
  for (int i = 0; record.name.empty(); ++i) {
    auto candidate = random_name();
    if (i >= kNameTries) candidate += "_" + record.id;
    auto const taken = BH_TRY(select("WHERE name = ?1", candidate));
    if (taken.empty()) record.name = std::move(candidate);
  }
  auto const taken = BH_TRY(select("WHERE name = ?1", record.name));
  if (!taken.empty()) {
    return fail(Errc::Exists, "name \"" + name + "\" is in use by machine " + taken.front().id +
                                  " (remove it with `bulkhead rm " + name +
                                  "`, or choose another name)");
  }
  for (auto const& secret : record.definition.secrets) BH_TRY(find_secret(secret.name));
  BH_TRY(insert_volumes(record.definition));
  auto insert = BH_TRY(database_.prepare(
      "INSERT INTO machines (id, name, definition, state, created) VALUES (?, ?, ?, ?, ?)"));
  insert.bind(1, record.id);
  insert.bind(2, record.name);
  insert.bind(3, std::string_view(boost::json::serialize(json_of(record.definition))));
  insert.bind(4, state_name(record.state));
  insert.bind(5, record.created);
  BH_TRY(insert.run());
  BH_TRY(add_cards(record));
  BH_TRY(note(record.id, "create", ""));
  BH_TRY(transaction.commit());
  return record;
}

Result<> Store::rename(std::string const& id, std::string const& name) {
  BH_TRY(check_name(name));
  auto transaction = BH_TRY(Transaction::begin(database_));
  auto const taken = BH_TRY(select("WHERE name = ?1", name));
  if (!taken.empty() && taken.front().id != id) {
    return fail(Errc::Exists, "name \"" + name + "\" is in use by machine " + taken.front().id);
  }
  BH_TRY(check_joined_name(id, name));
  auto update = BH_TRY(database_.prepare("UPDATE machines SET name = ?2 WHERE id = ?1"));
  update.bind(1, id);
  update.bind(2, name);
  BH_TRY(update.run());
  BH_TRY(note(id, "rename", name));
  return transaction.commit();
}

Result<> Store::change(std::string const& id, Definition const& definition) {
  auto transaction = BH_TRY(Transaction::begin(database_));
  auto update = BH_TRY(database_.prepare("UPDATE machines SET definition = ?2 WHERE id = ?1"));
  update.bind(1, id);
  update.bind(2, std::string_view(boost::json::serialize(json_of(definition))));
  BH_TRY(update.run());
  BH_TRY(note(id, "update", ""));
  return transaction.commit();
}

Result<> Store::remove(std::string const& id) {
  auto transaction = BH_TRY(Transaction::begin(database_));
  BH_TRY(note(id, "remove", ""));
  // Cards that are plugged in stay until somebody has unplugged them.
  for (auto const* const statement :
       {"DELETE FROM cards WHERE machine = ? AND host = 0", "DELETE FROM machines WHERE id = ?"}) {
    auto drop = BH_TRY(database_.prepare(statement));
    drop.bind(1, id);
    BH_TRY(drop.run());
  }
  return transaction.commit();
}

}  // namespace bh::machine
