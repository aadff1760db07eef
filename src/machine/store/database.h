#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace bh::machine {

/// One prepared statement of SQL, whose database must outlive it. Parameters count from 1, columns
/// from 0.
class Statement {
 public:
  void bind(int parameter, std::string_view text);
  void bind(int parameter, std::int64_t number);
  void bind(int parameter, std::optional<std::int64_t> number);

  /// True if there is a row to read.
  Result<bool> step();
  /// For statements without rows.
  Result<> run();

  std::string text(int column) const;
  std::int64_t number(int column) const;
  std::optional<std::int64_t> maybe_number(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// An SQLite database in WAL mode. One thread; any number of processes.
class Database {
 public:
  /// Makes the file if it is not there.
  static Result<Database> open(std::string const& path);

  Result<> execute(char const* statements);
  Result<Statement> prepare(std::string_view statement);
  /// How many rows the last statement changed.
  std::int64_t changed() const;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit Database(sqlite3* database) : database_(database) {}

  std::unique_ptr<sqlite3, Close> database_;
};

/// All that is changed until commit() is changed at once; nothing if this object ends before.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(other.database_) {
    other.database_ = nullptr;
  }
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  Result<> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}

  Database* database_;
};

}  // namespace bh::machine
