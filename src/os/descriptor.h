#pragma once

#include <string_view>
#include <utility>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::os {

/// The reading and the writing end, close-on-exec.
Result<std::pair<UniqueFd, UniqueFd>> make_pipe();

Result<> set_nonblocking(int fd);

/// Sends a descriptor with `text`, which is not empty, through a Unix socket.
Result<> send_descriptor(int socket, int descriptor, std::string_view text);
/// The one descriptor that comes with a message through a Unix socket.
Result<UniqueFd> receive_descriptor(int socket);

}  // namespace bh::os
