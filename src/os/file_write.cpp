#include "os/file_write.h"

#include <unistd.h>

#include <cerrno>

namespace bh::os {

Result<> write_all(UniqueFd const& file, std::span<std::byte const> bytes) {
  while (!bytes.empty()) {
    ssize_t const count = ::write(file.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("write", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<> write_at(UniqueFd const& file, std::span<std::byte const> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    ssize_t const count =
        ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("pwrite", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

}  // namespace bh::os
