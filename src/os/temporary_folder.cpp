#include "os/temporary_folder.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace bh::os {

Result<TemporaryFolder> TemporaryFolder::create(std::string_view prefix) {
  char const* const parent = std::getenv("TMPDIR");
  return create_in(parent != nullptr && *parent != '\0' ? parent : "/tmp", prefix);
}

Result<TemporaryFolder> TemporaryFolder::create_in(std::string_view parent,
                                                   std::string_view prefix) {
  std::string path(parent);
  path += "/";
  path += prefix;
  path += "-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return fail_errno("mkdtemp " + path, errno);
  return TemporaryFolder(std::move(path));
}

TemporaryFolder::~TemporaryFolder() {
  if (path_.empty()) return;
  // What cannot be removed stays: there is nobody to tell from a destructor.
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace bh::os
