#pragma once

#include <cstdint>

namespace bh::init {

/// Streams to the host (vsock(7)): descriptors, or -1 with errno. Close-on-exec; that of
/// connect_to_host() does not block once it is there.
int listen_for_host(std::uint32_t port);
int connect_to_host(std::uint32_t port);

}  // namespace bh::init
