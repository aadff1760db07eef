#include "vmm/loop/event.h"

#include <sys/eventfd.h>

#include <cerrno>

namespace bh::vmm {

Result<os::UniqueFd> create_event() {
  os::UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event.valid()) return fail_errno("eventfd", errno);
  return event;
}

void signal_event(os::UniqueFd const& event) {
  // It can only fail when the counter is full, and then the event is signalled as it is.
  [[maybe_unused]] int const result = ::eventfd_write(event.get(), 1);
}

void clear_event(os::UniqueFd const& event) {
  clear_event(event.get());
}

void clear_event(int event) {
  eventfd_t count = 0;
  // It can only fail when the event was not signalled, which is what we want.
  [[maybe_unused]] int const result = ::eventfd_read(event, &count);
}

}  // namespace bh::vmm
