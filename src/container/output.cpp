#include "container/output.h"

#include <unistd.h>

#include <cerrno>

namespace bh::container {

Result<> print(std::string_view text) {
  while (!text.empty()) {
    ssize_t const count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("write to standard output", errno);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace bh::container
