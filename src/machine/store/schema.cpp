#include "machine/store/schema.h"

#include <array>
#include <string>

namespace bh::machine {

namespace {

// Never changed once released: what is new is a migration more. Times are milliseconds since 1970.
constexpr std::array kMigrations{
    "CREATE TABLE machines ("
    "  id TEXT PRIMARY KEY,"
    "  name TEXT NOT NULL UNIQUE,"
    "  definition TEXT NOT NULL,"
    "  state TEXT NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  started INTEGER,"
    "  ended INTEGER,"
    "  exit_status INTEGER,"
    "  reason TEXT NOT NULL DEFAULT '',"
    "  detail TEXT NOT NULL DEFAULT '',"
    "  restarts INTEGER NOT NULL DEFAULT 0,"
    "  supervisor INTEGER,"
    "  supervisor_start INTEGER"
    ");",
    "CREATE TABLE events ("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  time INTEGER NOT NULL,"
    "  machine TEXT NOT NULL,"
    "  name TEXT NOT NULL,"
    "  action TEXT NOT NULL,"
    "  detail TEXT NOT NULL DEFAULT ''"
    ");",
    "CREATE TABLE volumes ("
    "  name TEXT PRIMARY KEY,"
    "  created INTEGER NOT NULL,"
    "  labels TEXT NOT NULL DEFAULT '{}',"
    "  anonymous INTEGER NOT NULL DEFAULT 0"
    ");",
    "CREATE TABLE networks ("
    "  name TEXT PRIMARY KEY,"
    "  definition TEXT NOT NULL,"
    "  created INTEGER NOT NULL"
    ");"
    "CREATE TABLE cards ("
    "  machine TEXT NOT NULL,"
    "  network TEXT NOT NULL,"
    "  address TEXT NOT NULL,"
    "  host INTEGER NOT NULL DEFAULT 0,"
    "  name_space TEXT NOT NULL DEFAULT '',"
    "  PRIMARY KEY (machine, network),"
    "  UNIQUE (network, address)"
    ");",
    "ALTER TABLE machines ADD COLUMN health TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE machines ADD COLUMN ready TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE machines ADD COLUMN health_detail TEXT NOT NULL DEFAULT '';",
    "CREATE TABLE secrets ("
    "  name TEXT PRIMARY KEY,"
    "  id TEXT NOT NULL UNIQUE,"
    "  created INTEGER NOT NULL,"
    "  updated INTEGER NOT NULL,"
    "  labels TEXT NOT NULL DEFAULT '{}'"
    ");",
};

Result<int> version_of(Database& database) {
  auto query = BH_TRY(database.prepare("PRAGMA user_version"));
  auto const row = query.step();
  if (!row) return std::unexpected(row.error());
  return static_cast<int>(query.number(0));
}

}  // namespace

int schema_version() {
  return static_cast<int>(kMigrations.size());
}

Result<> migrate(Database& database) {
  // Nearly always there is nothing to do, and no lock to take.
  int const before = BH_TRY(version_of(database));
  if (before == schema_version()) return {};
  auto transaction = BH_TRY(Transaction::begin(database));
  int const found = BH_TRY(version_of(database));
  if (found > schema_version()) {
    return fail(Errc::Unsupported, "the state of machines has version " + std::to_string(found) +
                                       ", made by a newer bulkhead; this one knows " +
                                       std::to_string(schema_version()) + " (install the newer)");
  }
  for (int version = found; version < schema_version(); ++version) {
    BH_TRY(database.execute(kMigrations[static_cast<std::size_t>(version)]));
  }
  auto const set = "PRAGMA user_version = " + std::to_string(schema_version());
  BH_TRY(database.execute(set.c_str()));
  return transaction.commit();
}

}  // namespace bh::machine
