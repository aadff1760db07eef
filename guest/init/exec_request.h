#pragma once

#include <string_view>

#include "init/arguments.h"
#include "init/settings.h"

namespace bh::init {

/// What a Request frame asks for: `key=value` words that each end with NUL, as in Settings; `env`,
/// `folder` and `user` mean the same, and
///
///   word      one of the command, in order
///   terminal  the command gets one, and
///   size      ROWSxCOLUMNS of it
///   input     it has standard input; else that is /dev/null
///   whole     what it has started ends with it, or when the host hangs up
///
/// or, in the place of a command, `copy` and what belongs to it (copy.h), or
///
///   probe     a port of the loopback to ask, and
///   path      what to ask its HTTP for
class ExecRequest {
 public:
  /// False if there is nothing to do, or too much of anything.
  bool parse(std::string_view payload);
  /// As new.
  void clear();

  [[nodiscard]] Settings const& settings() const { return settings_; }
  [[nodiscard]] Arguments const& command() const { return command_; }

 private:
  Settings settings_;
  Arguments command_;
};

}  // namespace bh::init
