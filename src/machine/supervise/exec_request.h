#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "machine/wire/frame.h"

namespace bh::machine {

/// Another command to run in a machine.
struct ExecRequest {
  std::vector<std::string> words;        // Not empty.
  std::vector<std::string> environment;  // NAME=VALUE, above the machine's.
  std::optional<std::string> working_folder;
  std::optional<std::string> user;
  bool terminal = false;
  bool input = false;
  bool whole = false;  // What it has started ends with it, whatever that thinks of signals.
  wire::WindowSize size;

  boost::json::object json() const;
  static Result<ExecRequest> parse(boost::json::object const& json);

  /// As bulkhead-init reads it (guest/init/exec_request.h). Errc::Invalid if it is too long for one
  /// frame.
  Result<std::string> for_guest() const;
};

}  // namespace bh::machine
