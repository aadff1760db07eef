#pragma once

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::vmm {

/// A non-blocking eventfd(2) that starts unsignalled: wakes an epoll loop from any thread.
Result<os::UniqueFd> create_event();

/// Makes it readable. Any thread.
void signal_event(os::UniqueFd const& event);
/// Makes it unreadable again.
void clear_event(int event);
void clear_event(os::UniqueFd const& event);

}  // namespace bh::vmm
