#pragma once

#include "base/error.h"
#include "machine/store/database.h"

namespace bh::machine {

/// The version of the tables that this program knows.
int schema_version();

/// Brings the tables to that version, one migration after the other in one transaction.
/// Errc::Unsupported if a newer program has made them.
Result<> migrate(Database& database);

}  // namespace bh::machine
