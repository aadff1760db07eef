#pragma once

#include <string>

#include "machine/store/record.h"

namespace bh::cli {

/// "Up 5 minutes", "Exited (0) 2 hours ago", "Failed (guest panic) ...": as docker tells it.
std::string status_words(machine::Record const& record);

/// What the definition says is executed; empty if that is the image's.
std::string command_words(machine::Definition const& definition);

}  // namespace bh::cli
