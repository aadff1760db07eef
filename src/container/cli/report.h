#pragma once

#include <string>
#include <string_view>

#include "container/cli/arguments.h"
#include "container/spec/spec.h"

namespace bh::container {

/// One line to the log that engines read (--log), if `global` names one. Errors also go to standard
/// error, for people; warnings only when there is no log, so that they do not mix with what the
/// program prints.
void report_error(Arguments const* global, std::string_view message);
void report_warning(Arguments const& global, std::string_view message);

/// Takes out of `process` the capabilities that nobody can give to it and says which they were: the
/// specification wants a warning then, not a failure. In a user namespace of its own a process can
/// have them all.
void drop_ungrantable(Arguments const& global, bool user_namespace, ProcessSpec& process);

}  // namespace bh::container
