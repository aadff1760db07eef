#include "machine/store/database.h"

#include <sqlite3.h>

namespace bh::machine {

namespace {

// A transaction of ours takes milliseconds; who waits longer than this waits for a stopped process.
constexpr int kBusyMilliseconds = 10'000;

std::unexpected<Error> fail_sqlite(sqlite3* database, std::string_view action) {
  int const code = ::sqlite3_errcode(database);
  std::string const message = std::string(action) + ": " + ::sqlite3_errmsg(database);
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fail(Errc::Busy, message + " (another program has held it for 10 s)");
    case SQLITE_CONSTRAINT: return fail(Errc::Exists, message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return fail(Errc::Corrupt, message);
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN: return fail(Errc::Denied, message);
    default: return fail(Errc::Io, message);
  }
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  ::sqlite3_finalize(statement);
}

void Statement::bind(int parameter, std::string_view text) {
  ::sqlite3_bind_text(statement_.get(), parameter, text.data(), static_cast<int>(text.size()),
                      SQLITE_TRANSIENT);
}

void Statement::bind(int parameter, std::int64_t number) {
  ::sqlite3_bind_int64(statement_.get(), parameter, number);
}

void Statement::bind(int parameter, std::optional<std::int64_t> number) {
  if (number) {
    bind(parameter, *number);
  } else {
    ::sqlite3_bind_null(statement_.get(), parameter);
  }
}

Result<bool> Statement::step() {
  int const code = ::sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return fail_sqlite(::sqlite3_db_handle(statement_.get()), "state of machines");
}

Result<> Statement::run() {
  auto const done = step();
  if (!done) return std::unexpected(done.error());
  return {};
}

std::string Statement::text(int column) const {
  auto const* const bytes = ::sqlite3_column_text(statement_.get(), column);
  if (bytes == nullptr) return {};
  auto const size = static_cast<std::size_t>(::sqlite3_column_bytes(statement_.get(), column));
  return {reinterpret_cast<char const*>(bytes), size};
}

std::int64_t Statement::number(int column) const {
  return ::sqlite3_column_int64(statement_.get(), column);
}

std::optional<std::int64_t> Statement::maybe_number(int column) const {
  if (::sqlite3_column_type(statement_.get(), column) == SQLITE_NULL) return std::nullopt;
  return number(column);
}

void Database::Close::operator()(sqlite3* database) const {
  ::sqlite3_close_v2(database);
}

Result<Database> Database::open(std::string const& path) {
  sqlite3* handle = nullptr;
  int const code =
      ::sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  Database database(handle);
  if (code != SQLITE_OK) return fail_sqlite(handle, "open " + path);
  ::sqlite3_busy_timeout(handle, kBusyMilliseconds);
  // A crash of the host may lose the last changes, and never tears one in two.
  auto set = database.execute(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;");
  if (!set) return std::unexpected(std::move(set).error().while_doing("open " + path));
  return database;
}

Result<> Database::execute(char const* statements) {
  if (::sqlite3_exec(database_.get(), statements, nullptr, nullptr, nullptr) == SQLITE_OK) {
    return {};
  }
  return fail_sqlite(database_.get(), "state of machines");
}

Result<Statement> Database::prepare(std::string_view statement) {
  sqlite3_stmt* prepared = nullptr;
  if (::sqlite3_prepare_v2(database_.get(), statement.data(), static_cast<int>(statement.size()),
                           &prepared, nullptr) != SQLITE_OK) {
    return fail_sqlite(database_.get(), "state of machines");
  }
  return Statement(prepared);
}

std::int64_t Database::changed() const {
  return ::sqlite3_changes64(database_.get());
}

Result<Transaction> Transaction::begin(Database& database) {
  // At once for writing: a reader that wants to write later may be refused then.
  BH_TRY(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) (void)database_->execute("ROLLBACK");
}

Result<> Transaction::commit() {
  BH_TRY(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace bh::machine
