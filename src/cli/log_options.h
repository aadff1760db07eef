#pragma once

#include "base/error.h"
#include "cli/command.h"
#include "machine/definition.h"

namespace bh::cli {

// Part of kDefinitionOptions.
inline constexpr Option kLogOption{"--log-opt", "KEY=VALUE",
                                   "max-size=N[k|m|g] of a file of its log; max-file=N of them"};

Result<> read_log(Options const& options, machine::Definition& definition);

}  // namespace bh::cli
