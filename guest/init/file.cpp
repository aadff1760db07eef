#include "init/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "init/arguments.h"

namespace bh::init {

namespace {

// Only ever used by the first process, before it starts another, and by its child before exec.
std::array<char, Arguments::kMaxBytes + 1> file_bytes;

}  // namespace

std::optional<std::string_view> read_file(char const* path) {
  int const fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::size_t used = 0;
  ssize_t count = 0;
  while (used < file_bytes.size()) {
    count = ::read(fd, file_bytes.data() + used, file_bytes.size() - used);
    if (count <= 0) break;
    used += static_cast<std::size_t>(count);
  }
  int const error = errno;
  ::close(fd);
  errno = error;
  if (count < 0) return std::nullopt;
  return std::string_view(file_bytes.data(), used);
}

}  // namespace bh::init
