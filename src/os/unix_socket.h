#pragma once

#include <string>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::os {

/// Stream sockets of the file system, non-blocking and close-on-exec.

/// Makes the socket file, which must not be there yet (Errc::Exists), and listens.
Result<UniqueFd> listen_unix(std::string const& path);
/// Errc::NotFound if nothing is there, Errc::Denied or Errc::Io if nobody listens or may connect.
Result<UniqueFd> connect_unix(std::string const& path);

}  // namespace bh::os
