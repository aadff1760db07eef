#include <fcntl.h>

#include <algorithm>

#include "container/cli/command.h"
#include "os/text_file.h"

namespace bh::container {

Result<> add_private_environment(Arguments const& arguments, ProcessSpec& process) {
  auto const path = arguments.value("private-env");
  if (!path) return {};
  // More than a program may have is not worth reading.
  constexpr std::size_t kLimit = std::size_t{16} << 20;
  auto const text = BH_TRY(os::read_text_at(AT_FDCWD, *path, kLimit));
  for (std::size_t at = 0; at < text.size();) {
    auto const end = std::min(text.find('\0', at), text.size());
    auto const entry = text.substr(at, end - at);
    at = end + 1;
    if (entry.find('=') == entry.npos || entry.starts_with('=')) {
      return fail(Errc::Invalid, *path + ": must be NAME=VALUE, each ended with NUL");
    }
    auto const name = entry.substr(0, entry.find('=') + 1);
    std::erase_if(process.environment,
                  [&](std::string const& other) { return other.starts_with(name); });
    process.environment.push_back(entry);
  }
  return {};
}

}  // namespace bh::container
